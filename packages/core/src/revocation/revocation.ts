/** What can be revoked, and until when: never by the token string or its hash, because one token has many spellings (invariant 3). */
import { WatchwordError, assertConfig } from '../errors.ts';
import { assertBetween, assertKnownOptions, assertText } from '../options.ts';

/** Which of an issuer's tokens: exactly one of these. */
export type RevocationTarget =
  | { /** One token (`jti`, RFC 7519 section 4.1.7). */ readonly jti: string }
  | { /** All tokens of one session (`sid`, OpenID Connect Front-Channel Logout). */ readonly sid: string }
  | {
      /** All tokens of one subject ... */
      readonly sub: string;
      /** ... with an `iat` before this, in Unix seconds. A token without `iat` counts as older. */
      readonly issuedBefore: number;
    }
  | { /** Everything one key has signed (`kid`). */ readonly kid: string };

/** A revocation. Irrevocable itself: it ends only by its expiry. */
export type Revocation = RevocationTarget & {
  /** The trusted issuer of the tokens; for Txn-Tokens the trust domain. */
  readonly issuer: string;
  /**
   * Unix milliseconds after which the revocation may be forgotten: not before any token it covers has ceased to be accepted, which
   * is the latest `exp` plus the tolerance of the verifiers. Anything earlier brings tokens back.
   */
  readonly expiresAtMs: number;
};

/** Indexes and logs keep entries this much longer than they must, so that a clock set back brings no token back. */
export const FORGET_AFTER_MS = 300_000;

const TARGETS = ['jti', 'sid', 'sub', 'kid'] as const;
/** As long as the longest token that a verifier may be told to take: no claim is longer. */
const MAX_TEXT = 65_536;

/** Checks a revocation and gives a frozen copy, members in fixed order. @throws WatchwordError `config_invalid` naming the member */
export function readRevocation(value: unknown, place = 'revocation'): Revocation {
  assertKnownOptions(value, ['issuer', 'expiresAtMs', 'issuedBefore', ...TARGETS], place);
  const members = value as Readonly<Record<string, unknown>>;
  const issuer = shortText(members.issuer, `${place}.issuer`);
  const expiresAtMs = assertBetween(members.expiresAtMs, 0, Number.MAX_SAFE_INTEGER, `${place}.expiresAtMs`);
  return Object.freeze({ issuer, ...readTarget(members, place), expiresAtMs });
}

function readTarget(members: Readonly<Record<string, unknown>>, place: string): RevocationTarget {
  const [name, another] = TARGETS.filter((target) => members[target] !== undefined);
  assertConfig(name !== undefined && another === undefined, `${place}: give exactly one of ${TARGETS.join(', ')}`);
  const text = shortText(members[name], `${place}.${name}`);
  if (name === 'sub') {
    const issuedBefore = assertBetween(members.issuedBefore, 0, Number.MAX_SAFE_INTEGER, `${place}.issuedBefore`);
    return { sub: text, issuedBefore };
  }
  assertConfig(members.issuedBefore === undefined, `${place}.issuedBefore: goes with sub only`);
  return { [name]: text } as RevocationTarget;
}

function shortText(value: unknown, place: string): string {
  const text = assertText(value, place);
  assertConfig(text.length <= MAX_TEXT, `${place}: is longer than any claim`);
  return text;
}

/** One spelling for each revocation: what logs store, and what tells whether two are the same. */
export function encodeRevocation(revocation: Revocation): string {
  return JSON.stringify(readRevocation(revocation));
}

/** Reads what {@link encodeRevocation} wrote. @throws WatchwordError `revocation_unavailable`: a log with junk in it is not complete */
export function decodeRevocation(text: string): Revocation {
  try {
    return readRevocation(JSON.parse(text));
  } catch (cause) {
    throw new WatchwordError('revocation_unavailable', 'The revocation log holds an entry that cannot be read', { cause });
  }
}
