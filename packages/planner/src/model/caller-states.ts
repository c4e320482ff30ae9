/** Whether a user is busy or idle some time later, and silent all the while: a Markov process with two states under killing. */

/** How users change between the two, per second. */
export interface Alternation {
  /** From busy to idle; 0: never idle. */
  readonly leave: number;
  /** From idle to busy. */
  readonly back: number;
}

/** Probabilities of transitions: busy to busy, busy to idle, idle to busy, idle to idle. */
export type Transitions = readonly [number, number, number, number];

/** Probabilities of being busy, and idle. */
export type States = readonly [number, number];

/** From session lengths. */
export function alternationOf({ busySeconds, idleSeconds }: { busySeconds: number; idleSeconds: number }): Alternation {
  return idleSeconds === 0 ? { leave: 0, back: 1 } : { leave: 1 / busySeconds, back: 1 / idleSeconds };
}

/** The probabilities of silence and of where it ends. @param perSecond requests that break it, of a busy user */
export function silently({ leave, back }: Alternation, perSecond: number, seconds: number): Transitions {
  const middle = -(leave + perSecond + back) / 2;
  const root = Math.sqrt(Math.max(0, middle * middle - perSecond * back));
  const fast = middle - root;
  // The product of both is known: dividing keeps the digits that subtracting would lose.
  const slow = fast === 0 ? 0 : (perSecond * back) / fast;
  const [slowly, quickly] = [Math.exp(slow * seconds), Math.exp(fast * seconds)];
  const mixed = root * seconds < 1e-6 ? seconds * quickly : (slowly - quickly) / (2 * root);
  const mean = (slowly + quickly) / 2;
  const half = (back - leave - perSecond) / 2;
  return [mean + mixed * half, mixed * leave, mixed * back, mean - mixed * half];
}

/** Where users are after transitions, who were in these states before. */
export function after([busy, idle]: States, [stay, leave, back, rest]: Transitions): States {
  return [busy * stay + idle * back, busy * leave + idle * rest];
}
