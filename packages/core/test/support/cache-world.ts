/**
 * A small world in which cached and uncached verifiers live side by side: keys come and go, time jumps, tokens get around and are
 * revoked, processes restart.
 */
import { type VerificationCache, createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { WatchwordError } from '../../src/errors.ts';
import type { SignatureChecks } from '../../src/jws/signature-checks.ts';
import type { KeySource } from '../../src/keys/key-source.ts';
import { type LocalKeys, createLocalKeys } from '../../src/keys/local-keys.ts';
import type { VerificationKey } from '../../src/keys/verification-key.ts';
import { createMemoryRevocationLog } from '../../src/revocation/memory-log.ts';
import { createRevocableVerifier } from '../../src/revocation/revocable-verifier.ts';
import type { RevocationLog } from '../../src/revocation/revocation-log.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import type { IssuerPolicy, TrustPolicyOptions } from '../../src/verify/policy.ts';
import type { CachedVerifier, Verifier } from '../../src/verify/verifier.ts';
import { type TestKey, testKey } from './keys.ts';
import { type RevocationParts, WorldRevocations } from './world-revocations.ts';

/** Keys of one issuer that the world can change, and whose answers it can hold back as a slow network would. */
export class WorldKeys implements KeySource {
  readonly issuer: string;
  readonly id: string;
  /** Every key there ever is: two of them share a key id, one has none. */
  readonly pool: readonly TestKey[];
  /** The ones trusted now. */
  trusted: readonly TestKey[];
  readonly #inner: LocalKeys;
  /** While held back, nothing is known and `load` stays open. */
  #waiting: (() => void)[] | undefined;

  constructor(issuer: string, pool: readonly TestKey[]) {
    this.issuer = issuer;
    this.pool = pool;
    this.trusted = pool.filter((_, index) => index === 0 || index === 2);
    this.#inner = createLocalKeys({ issuer, keys: this.trusted.map((key) => key.material) });
    this.id = this.#inner.id;
  }

  trust(keys: readonly TestKey[]): void {
    this.trusted = keys;
    this.#inner.replace({ keys: keys.map((key) => key.material) });
  }

  lookup(alg: string, kid: string | undefined, nowMs: number): VerificationKey | undefined {
    return this.#waiting === undefined ? this.#inner.lookup(alg, kid, nowMs) : undefined;
  }

  async load(alg: string, kid: string | undefined): Promise<VerificationKey> {
    if (this.#waiting !== undefined) await new Promise<void>((resolve) => this.#waiting!.push(resolve));
    const key = this.#inner.lookup(alg, kid, 0);
    if (key === undefined) throw new WatchwordError('key_unknown');
    return key;
  }

  onRemoval(listener: Parameters<NonNullable<KeySource['onRemoval']>>[0]): () => void {
    return this.#inner.onRemoval?.(listener) ?? (() => {});
  }

  holdBack(): void {
    this.#waiting ??= [];
  }

  release(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const resolve of waiting) resolve();
  }
}

/** One policy, verified twice. */
export interface Pair {
  readonly name: string;
  /** Verifies everything from the beginning each time, and looks for revocations in a list. */
  readonly oracle: Pick<Verifier, 'verify'>;
  /** Another one after each restart. */
  cached: CachedVerifier & Partial<Pick<VerificationCache, 'clear'>>;
}

/** Puts a cache in front of a verifier. Tests of the test put in broken ones. */
export type CacheFactory = (verifier: Verifier, maxEntries: number, world: CacheWorld) => Pair['cached'];

/** What a world is made of, unless a test says otherwise. */
export interface WorldParts {
  readonly cache: CacheFactory;
  /** New for each world. */
  readonly revocation: () => RevocationParts;
  /** Begins a process: the signature checks of its verifiers, which may share a memory. */
  readonly checks?: () => () => SignatureChecks;
  /** Verifiers with a cache of their own, for each policy. Default 1. */
  readonly threads?: number;
}

export const PROPER_PARTS: WorldParts = {
  cache: (verifier, maxEntries, { clock }) => createCachedVerifier(verifier, { maxEntries, clock }),
  revocation: () => ({ open: memoryStorage() }),
};

export type Family = 'secret' | 'public';

export const AUDIENCES = ['https://orders.example', 'https://stock.example'] as const;

export class CacheWorld {
  nowMs = 1_800_000_000_000;
  readonly clock = (): number => this.nowMs;
  readonly issuers: readonly WorldKeys[];
  readonly revocations: WorldRevocations;
  readonly pairs: readonly Pair[];
  /** Tokens that somebody has. */
  readonly tokens: string[] = [];
  readonly #family: Family;
  readonly #parts: WorldParts;
  #checks: (() => SignatureChecks) | undefined;

  constructor(family: Family, parts: WorldParts) {
    this.#family = family;
    this.#parts = parts;
    this.#checks = parts.checks?.();
    this.issuers = ['https://one.example', 'https://two.example'].map((issuer) => new WorldKeys(issuer, keyPool(family, issuer)));
    this.revocations = new WorldRevocations(parts.revocation(), () => this.nowMs);
    this.pairs = Array.from({ length: parts.threads ?? 1 }, () => POLICIES)
      .flat()
      .map((row) => ({ name: row.name, oracle: this.#oracle(row), cached: this.#cached(row) }));
  }

  /** All processes end, and begin again with nothing but what is stored. */
  async restart(): Promise<void> {
    await this.revocations.restart();
    this.#checks = this.#parts.checks?.();
    for (const [index, pair] of this.pairs.entries()) pair.cached = this.#cached(POLICIES[index % POLICIES.length]!);
  }

  #plain({ issuers }: PolicyRow, checks?: SignatureChecks): Verifier {
    const policy: TrustPolicyOptions = {
      ...(checks && { checks }),
      clock: () => this.nowMs,
      issuers: issuers.map(({ index, ...rules }) => {
        const keys = this.issuers[index]!;
        return {
          issuer: keys.issuer,
          keys,
          audience: [...AUDIENCES],
          algorithms: ALGORITHMS_OF[this.#family],
          requiredClaims: [],
          ...rules,
        };
      }),
    };
    return createVerifier(policy);
  }

  #oracle(row: PolicyRow): Pair['oracle'] {
    const plain = this.#plain(row);
    const { revocation } = row;
    if (revocation === undefined) return plain;
    return {
      verify: async (token) => {
        const verdict = await plain.verify(token);
        this.revocations.assertGood(verdict, revocation);
        return verdict;
      },
    };
  }

  #cached(row: PolicyRow): Pair['cached'] {
    const { revocation, maxEntries } = row;
    const plain = this.#plain(row, this.#checks?.());
    if (revocation === undefined) return this.#parts.cache(plain, maxEntries, this);
    const revocable = createRevocableVerifier(plain, this.revocations.view, { ...revocation, clock: () => this.nowMs });
    return this.#parts.cache(revocable, maxEntries, this);
  }
}

/** A memory log that outlives the processes which use it, as storage does. */
function memoryStorage(): RevocationParts['open'] {
  let log: RevocationLog | undefined;
  return ({ clock }, isEmpty) => {
    if (isEmpty || log === undefined) log = createMemoryRevocationLog({ clock });
    const { append, follow } = log;
    return { append: append.bind(log), follow: follow.bind(log), close: async () => {} };
  };
}

const ALGORITHMS_OF: Readonly<Record<Family, IssuerPolicy['algorithms']>> = {
  secret: ['HS256', 'HS512'],
  public: ['ES256', 'Ed25519'],
};

function keyPool(family: Family, issuer: string): TestKey[] {
  const [first, second] = family === 'secret' ? (['HS256', 'HS512'] as const) : (['ES256', 'Ed25519'] as const);
  const { kid: _, ...anonymous } = testKey(first, `${issuer} none`).material;
  const replaced = testKey(first, `${issuer} a, again`);
  return [
    renamed(testKey(first, `${issuer} a`), 'a'),
    // The same key id with other material: what a replacement under one kid looks like.
    renamed(replaced, 'a'),
    renamed(testKey(second, `${issuer} b`), 'b'),
    { ...testKey(first, `${issuer} none`), material: anonymous },
  ];
}

function renamed(key: TestKey, kid: string): TestKey {
  return { ...key, kid, material: { ...key.material, kid } };
}

interface PolicyRow {
  readonly name: string;
  readonly maxEntries: number;
  readonly revocation?: { readonly staleAfterMs: number; readonly whenStale: 'refuse' | 'accept' };
  readonly issuers: readonly (Partial<IssuerPolicy> & { readonly index: number })[];
}

const POLICIES: readonly PolicyRow[] = [
  { name: 'defaults', maxEntries: 1000, revocation: { staleAfterMs: 5000, whenStale: 'refuse' }, issuers: [{ index: 0 }] },
  { name: 'no tolerance, one entry', maxEntries: 1, issuers: [{ index: 0, toleranceSeconds: 0 }] },
  {
    name: 'other audience, two entries',
    maxEntries: 2,
    revocation: { staleAfterMs: 1000, whenStale: 'refuse' },
    issuers: [{ index: 0, audience: AUDIENCES[1] }],
  },
  {
    name: 'two issuers, seven entries',
    maxEntries: 7,
    revocation: { staleAfterMs: 5000, whenStale: 'accept' },
    issuers: [
      { index: 0, maxTokenAgeSeconds: 20, toleranceSeconds: 1 },
      { index: 1, requiredClaims: ['sub'] },
    ],
  },
  { name: 'any type', maxEntries: 1000, issuers: [{ index: 0, tokenTypes: ['at+jwt', 'jwt', null], toleranceSeconds: 0.5 }] },
];
