/** The kinds of orders that are sent, how many of each, and what each has to come to. */
import type { Must } from './records.ts';

/** Which token an order goes with. */
export type TokenKind =
  | 'good'
  /** The signature is not one. */
  | 'forged'
  /** Another caller's claims under the caller's own signature. */
  | 'tampered'
  /** Signed by a key that nobody trusts, under the id of one that is trusted. */
  | 'stranger'
  /** Signed by the key of another issuer that is trusted. */
  | 'neighbour'
  | 'expired'
  | 'other audience'
  | 'poor scope'
  /** Ends within two seconds. */
  | 'short';

/** What the service does about it. */
export type Behaviour =
  | 'do it'
  /** Done, and answered a moment later. */
  | 'slow'
  /** Not there for the first delivery. */
  | 'away'
  /** Not there for the first two. */
  | 'long away'
  /** Done, and the connection cut before the answer. */
  | 'cut'
  /** Refused with 409. */
  | 'decline'
  /** Never there. */
  | 'poison'
  /** Not there until it is too old; whoever delivers it then has it done. */
  | 'late';

/** When its token is taken back. */
export type RevocationTime = 'before' | 'while it waits' | 'while it waits, until its token ends';

/** One kind. */
export interface Kind {
  readonly name: string;
  /** In proportion to the others. */
  readonly weight: number;
  readonly must: Must;
  readonly token: TokenKind;
  readonly behaviour: Behaviour;
  /** Share of those with an idempotency key. */
  readonly keyed: number;
  /** How often it is sent at the same time. */
  readonly copies?: number;
  readonly revoked?: RevocationTime;
  /** It goes to the route whose requests become too old soon. */
  readonly isBrief?: boolean;
  /** After it, another request is sent under its idempotency key. */
  readonly isContested?: boolean;
}

const GOOD = { must: 'run', token: 'good', behaviour: 'do it', keyed: 0.5 } as const;
const BAD = { must: 'never run', behaviour: 'do it', keyed: 0.3 } as const;
const REVOKED = { token: 'good', behaviour: 'do it', keyed: 0.5 } as const;

/** While everything runs, and falls. */
export const KINDS: readonly Kind[] = [
  { ...GOOD, name: 'plain', weight: 54 },
  { ...GOOD, name: 'slow', weight: 5, behaviour: 'slow' },
  { ...GOOD, name: 'twice', weight: 8, keyed: 1, copies: 3 },
  { ...GOOD, name: 'contested', weight: 3, keyed: 1, isContested: true },
  { ...GOOD, name: 'away', weight: 2, behaviour: 'away' },
  { ...GOOD, name: 'cut', weight: 3, behaviour: 'cut' },
  { ...GOOD, name: 'short', weight: 2, token: 'short' },
  { ...GOOD, name: 'declined', weight: 2, must: 'be declined', behaviour: 'decline' },
  { ...GOOD, name: 'poison', weight: 1, must: 'fail', behaviour: 'poison' },
  { ...GOOD, name: 'brief', weight: 1, must: 'fail', behaviour: 'late', isBrief: true },
  { ...BAD, name: 'forged', weight: 4, token: 'forged' },
  { ...BAD, name: 'tampered', weight: 4, token: 'tampered' },
  { ...BAD, name: 'stranger', weight: 3, token: 'stranger' },
  { ...BAD, name: 'neighbour', weight: 2, token: 'neighbour' },
  { ...BAD, name: 'expired', weight: 2, token: 'expired' },
  { ...BAD, name: 'other audience', weight: 1, token: 'other audience' },
  { ...BAD, name: 'poor scope', weight: 2, token: 'poor scope' },
  { ...REVOKED, name: 'revoked before', weight: 1, must: 'never run', revoked: 'before' },
  {
    ...REVOKED,
    name: 'revoked meanwhile',
    weight: 2,
    must: 'run unless revoked',
    behaviour: 'long away',
    revoked: 'while it waits',
  },
];

/** While nobody works: what is accepted waits for longer than revocations take, and short tokens last. */
export const WAITING_KINDS: readonly Kind[] = [
  { ...GOOD, name: 'waiting', weight: 3 },
  { ...GOOD, name: 'waiting, expired', weight: 3, token: 'short' },
  { ...GOOD, name: 'waiting, too old', weight: 1, must: 'fail', isBrief: true },
  { ...REVOKED, name: 'waiting, revoked', weight: 3, must: 'run unless revoked', revoked: 'while it waits' },
  {
    ...REVOKED,
    name: 'waiting, revoked, expired',
    weight: 3,
    must: 'run unless revoked',
    token: 'short',
    revoked: 'while it waits, until its token ends',
  },
];
