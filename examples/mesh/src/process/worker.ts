/** The child's side of a mesh process: says where it listens, answers its parent, and never outlives it. */
import type { AddressInfo } from 'node:net';
import process from 'node:process';

/** What a child says to its parent. */
export type FromChild =
  | { readonly kind: 'ready'; readonly details: Readonly<Record<string, unknown>> }
  | { readonly kind: 'answer'; readonly id: number; readonly value?: unknown; readonly error?: string };

/** What a parent asks of its child. */
export interface FromParent {
  readonly id: number;
  readonly question: string;
  readonly argument?: unknown;
}

/** Answers one kind of question. */
export type Answer = (argument: unknown) => unknown;

// An orphan that goes on listening would be found only by its port. Importing this module is enough to prevent it.
process.on('disconnect', () => process.exit(0));
if (process.send !== undefined && !process.connected) process.exit(0);

const answers = new Map<string, Answer>();
process.on('message', (message: FromParent) => void reply(message));

/** Answers `question` from now on. */
export function onQuestion(question: string, answer: Answer): void {
  answers.set(question, answer);
}

/** Tells the parent that this process is ready to serve. */
export function announce(details: Readonly<Record<string, unknown>>): void {
  if (process.send === undefined) console.log(JSON.stringify(details));
  else tell({ kind: 'ready', details });
}

/** The origin at which a server listens. */
export function originOf(address: AddressInfo | string | null): string {
  if (address === null || typeof address === 'string') throw new TypeError('The server does not listen on a TCP port');
  return `http://127.0.0.1:${address.port}`;
}

async function reply({ id, question, argument }: FromParent): Promise<void> {
  try {
    const answer = answers.get(question);
    if (answer === undefined) throw new Error(`No answer to ${question}`);
    tell({ kind: 'answer', id, value: await answer(argument) });
  } catch (error) {
    tell({ kind: 'answer', id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

function tell(message: FromChild): void {
  // Fails only when the parent is gone, and then `disconnect` ends this process.
  process.send?.(message, undefined, undefined, () => {});
}
