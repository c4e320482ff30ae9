/** Correctness before speed: what accepts or refuses wrongly is not timed. */
import type { RefusedToken } from '../tokens/refused-tokens.ts';
import type { Contender, Way } from './contender.ts';

/** A token that must be accepted, and whose it is. */
export interface AcceptedToken {
  readonly token: string;
  readonly subject: string;
}

/** @throws Error naming the first wrong answer */
export async function checkContender(
  contender: Contender,
  accepted: readonly AcceptedToken[],
  refused: readonly RefusedToken[],
): Promise<void> {
  for (const way of contender.ways) await checkWay(way, accepted, refused);
  if (contender.prepare !== undefined) checkFloor(contender.prepare, accepted, refused);
}

async function checkWay(way: Way, accepted: readonly AcceptedToken[], refused: readonly RefusedToken[]): Promise<void> {
  for (const { token, subject } of accepted) {
    const found = way.subjectOf(await way.verify(token));
    if (found !== subject) throw new Error(`${way.call} took a token for another one's`);
  }
  for (const { token, reason } of refused) {
    if (await accepts(way, token)) throw new Error(`${way.call} accepted a token: ${reason}`);
  }
}

async function accepts(way: Way, token: string): Promise<boolean> {
  try {
    await way.verify(token);
    return true;
  } catch {
    return false;
  }
}

function checkFloor(
  prepare: NonNullable<Contender['prepare']>,
  accepted: readonly AcceptedToken[],
  refused: readonly RefusedToken[],
): void {
  const forged = refused.filter(({ badSignature }) => badSignature);
  for (const { call, verify } of prepare(accepted.map(({ token }) => token))) {
    if (!accepted.every((_, index) => verify(index))) throw new Error(`${call} refused a good signature`);
  }
  for (const { call, verify } of prepare(forged.map(({ token }) => token))) {
    const wrong = forged.find((_, index) => verify(index));
    if (wrong !== undefined) throw new Error(`${call} accepted a token: ${wrong.reason}`);
  }
}
