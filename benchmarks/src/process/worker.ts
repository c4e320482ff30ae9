/** The child's side: answers its parent's questions and never outlives it. */
import process from 'node:process';

/** What a parent asks. */
export interface Question {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

/** What a child says: that it is ready, or an answer. */
export type Reply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answer'; readonly id: number; readonly value?: unknown; readonly error?: string };

/** Answers by the name of the question. */
export type Answers = Readonly<Record<string, (argument: never) => unknown>>;

/** Answers from now on. */
export function serve(answers: Answers): void {
  if (process.send === undefined) throw new TypeError('This script is started by the benchmark');
  // An orphan would go on using a core, or a port.
  process.on('disconnect', () => process.exit(0));
  process.on('message', (question: Question) => void answerTo(question, answers));
  tell({ kind: 'ready' });
}

async function answerTo({ id, name, argument }: Question, answers: Answers): Promise<void> {
  try {
    const answer = answers[name];
    if (answer === undefined) throw new TypeError(`No answer to ${name}`);
    tell({ kind: 'answer', id, value: await answer(argument as never) });
  } catch (error) {
    tell({ kind: 'answer', id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

function tell(reply: Reply): void {
  // Fails only when the parent is gone, and then `disconnect` ends this process.
  process.send?.(reply, undefined, undefined, () => {});
}
