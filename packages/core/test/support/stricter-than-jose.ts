/** Where Watchword refuses what jose accepts: the complete list, each with the reason and a test of whether it applies. */
import type { ErrorCode } from '../../src/errors.ts';
import type { TokenCase } from './token-cases.ts';

export interface Strictness {
  readonly code: ErrorCode;
  readonly because: string;
  /** Whether this token really is such a case, found out by other means than the verifier's. */
  readonly applies: (tested: TokenCase) => boolean;
}

export const STRICTER_THAN_JOSE: readonly Strictness[] = [
  {
    code: 'token_malformed',
    because:
      'A13, JO-1: one spelling for each token. jose decodes padding, white space, the other alphabet and non-canonical tails',
    applies: ({ token }) => token.split('.').some((part) => Buffer.from(part, 'base64url').toString('base64url') !== part),
  },
  {
    code: 'token_too_large',
    because: 'F6, JO-17: a size limit before anything is decoded. jose has none',
    applies: ({ token }) => token.length > 8192,
  },
  {
    code: 'json_invalid',
    because:
      'B8, B9, B10, F7: duplicate names, byte order marks, invalid UTF-8, lone surrogates, __proto__, deep nesting. jose takes what JSON.parse takes',
    applies: ({ token }) => textsOf(token).some(isUntidy),
  },
  {
    code: 'critical_header',
    because: 'A8, JO-4, JO-5: crit and b64 have no place in a JWT. jose understands b64 and accepts it where it changes nothing',
    applies: ({ token }) => ['crit', 'b64'].some((name) => name in headerOf(token)),
  },
  {
    code: 'claim_invalid',
    because:
      'B3, B4, JO-8: registered claims have their types and ranges wherever they stand. jose checks those that an option asks for',
    applies: ({ token }) => hasOddClaim(claimsOf(token)),
  },
  {
    code: 'token_too_old',
    because: 'a maximum age of n seconds ends with the n-th second, as exp does. jose gives the whole second after it',
    applies: ({ token, policy, nowMs }) =>
      Math.floor(nowMs / 1000) - Math.floor(Number(claimsOf(token).iat)) - policy.toleranceSeconds <=
        policy.maxTokenAgeSeconds! + 1 &&
      nowMs / 1000 >= Number(claimsOf(token).iat) + policy.toleranceSeconds + policy.maxTokenAgeSeconds!,
  },
];

const bytesOf = (part: string): Buffer => Buffer.from(part, 'base64url');
const textsOf = (token: string): Buffer[] => token.split('.').slice(0, 2).map(bytesOf);
const headerOf = (token: string): Record<string, unknown> =>
  JSON.parse(bytesOf(token.split('.')[0]!).toString()) as Record<string, unknown>;
const claimsOf = (token: string): Record<string, unknown> =>
  JSON.parse(bytesOf(token.split('.')[1]!).toString()) as Record<string, unknown>;

function isUntidy(bytes: Buffer): boolean {
  const text = bytes.toString();
  if (text.startsWith('\ufeff') || !Buffer.from(text).equals(bytes) || text.includes('__proto__')) return true;
  if (/\\ud[89a-f]/i.test(text) || text.includes('['.repeat(64))) return true;
  // The cases are written without white space between tokens and with plain numbers, so what is lost in a round trip is a member.
  return members(JSON.parse(text)) < (text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '').match(/:/g)?.length ?? 0);
}

function members(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce<number>((sum, child) => sum + members(child), own);
}

function hasOddClaim(claims: Record<string, unknown>): boolean {
  const isOdd = (name: string, isRight: (value: unknown) => boolean): boolean => name in claims && !isRight(claims[name]);
  const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
  const { aud } = claims;
  return (
    ['iss', 'sub', 'jti', 'client_id', 'txn', 'req_wl'].some((name) => isOdd(name, isText)) ||
    ['exp', 'nbf', 'iat'].some((name) => isOdd(name, (value) => typeof value === 'number' && Math.abs(value) <= 8.64e12)) ||
    isOdd('scope', (value) => typeof value === 'string') ||
    ['cnf', 'tctx', 'rctx'].some((name) =>
      isOdd(name, (value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
    ) ||
    (Array.isArray(aud) && !aud.every(isText))
  );
}
