/** Which claims have to travel: from what services were seen to read, the smallest mapping that would have served them. */
import type { TokenAnatomy } from './anatomy.ts';

/** How the Txn-Tokens of a gateway are made, as far as their size depends on it. */
export interface MintedWith {
  readonly trustDomain: string;
  readonly requestingWorkload: string;
  readonly algorithm: string;
  /** Characters of the key id. */
  readonly keyIdLength: number;
  /** Name in the Txn-Token to name in the external token. */
  readonly mapping: Readonly<Record<string, string>>;
}

/** A claim of the external token, and what becomes of it. */
export interface ClaimUse {
  readonly name: string;
  readonly bytes: number;
  /** How often the services read it, under the names that they know it by. */
  readonly reads: number;
  /** `always`: a Txn-Token has it anyway, or says the same in its own way; `map`: services read it; `drop`: nobody does. */
  readonly advice: Advice;
}

/** What should become of a claim. */
export type Advice = 'always' | 'map' | 'drop';

/** The advice for one token. */
export interface MappingAdvice {
  /** In the order of what they cost. */
  readonly claims: readonly ClaimUse[];
  /** The smallest mapping that serves all recorded reads. */
  readonly mapping: Readonly<Record<string, string>>;
  /** Mapped now, and read by nobody. */
  readonly unread: readonly string[];
  /** Read, and neither in this token nor set by the minter. */
  readonly missing: readonly string[];
  /** Octets of the Txn-Token now and with the smallest mapping; undefined when nothing is known of the gateway. */
  readonly txnToken: { readonly nowBytes: number; readonly leastBytes: number } | undefined;
}

/** Claims that a Txn-Token has of its own (draft-ietf-oauth-transaction-tokens section 9.2), or that belong to the external one alone. */
const OWN: ReadonlySet<string> = new Set([
  'iat',
  'exp',
  'nbf',
  'aud',
  'iss',
  'txn',
  'sub',
  'scope',
  'req_wl',
  'req_wl_chain',
  'jti',
  'tctx',
  'rctx',
  'cnf',
  'txn_topic',
  'txn_end',
  'txn_iat',
]);

/**
 * Advises.
 * @param reads claim name, as services know it, to how often it was read
 * @param minted undefined: no gateway is asked about; services read the external token itself
 */
export function adviseMapping(
  anatomy: TokenAnatomy,
  reads: Readonly<Record<string, number>>,
  minted?: MintedWith,
): MappingAdvice {
  const current = new Map(Object.entries(minted?.mapping ?? {}));
  const has = (name: string): boolean => Object.hasOwn(anatomy.payload, name);
  const wanted = Object.keys(reads).filter((name) => reads[name]! > 0 && !OWN.has(name));
  const sourceOf = (name: string): string => current.get(name) ?? name;
  const mapping = Object.fromEntries(
    wanted
      .filter((name) => has(sourceOf(name)))
      .sort()
      .map((name) => [name, sourceOf(name)]),
  );
  return {
    claims: anatomy.claims.map(({ name, bytes }) => {
      const targets = [...Object.keys(mapping).filter((target) => mapping[target] === name), ...(OWN.has(name) ? [name] : [])];
      const count = targets.reduce((sum, target) => sum + (reads[target] ?? 0), 0);
      return { name, bytes, reads: count, advice: OWN.has(name) ? 'always' : targets.length > 0 ? 'map' : 'drop' };
    }),
    mapping,
    unread: [...current.keys()].filter((name) => !(reads[name]! > 0)).sort(),
    missing: wanted.filter((name) => !has(sourceOf(name))).sort(),
    txnToken: minted && {
      nowBytes: txnTokenBytes(anatomy, minted, minted.mapping),
      leastBytes: txnTokenBytes(anatomy, minted, mapping),
    },
  };
}

/** Characters of a signature in base64url. */
const SIGNATURES: Readonly<Record<string, number>> = { ES256: 86, ES384: 128, ES512: 176, Ed25519: 86, EdDSA: 86 };
const RSA_2048 = 342;

// Puts the token together as the minter does, with stand-ins of the right length for what is random.
function txnTokenBytes({ payload }: TokenAnatomy, minted: MintedWith, mapping: Readonly<Record<string, string>>): number {
  const { algorithm, keyIdLength, trustDomain, requestingWorkload } = minted;
  const header = { alg: algorithm, typ: 'txntoken+jwt', kid: 'k'.repeat(keyIdLength) };
  const claims: Record<string, unknown> = {
    iat: 1_800_000_000,
    exp: 1_800_000_060,
    aud: trustDomain,
    txn: 't'.repeat(22),
    sub: payload.sub,
    scope: payload.scope,
    req_wl: requestingWorkload,
  };
  for (const [target, source] of Object.entries(mapping)) if (Object.hasOwn(payload, source)) claims[target] = payload[source];
  return encodedLength(header) + encodedLength(claims) + (SIGNATURES[algorithm] ?? RSA_2048) + 2;
}

function encodedLength(value: unknown): number {
  return Math.ceil((new TextEncoder().encode(JSON.stringify(value)).length * 4) / 3);
}
