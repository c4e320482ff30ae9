/** A whole decision path, from headers to exchanged token, in which every part that is not ours can break on any of its calls. */
import { fromRecord } from '../../src/carrier/carrier.ts';
import { type VerificationCache, createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { Identity } from '../../src/context/identity.ts';
import { inlineChecks } from '../../src/jws/signature-checks.ts';
import type { KeySource } from '../../src/keys/key-source.ts';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { type Pipeline, createPipeline } from '../../src/pipeline.ts';
import { createSingleUseVerifier } from '../../src/replay/single-use-verifier.ts';
import type { RevocationView } from '../../src/revocation/freshness.ts';
import { createRevocableVerifier } from '../../src/revocation/revocable-verifier.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import { testKey } from './keys.ts';
import { ISSUER, clock, issuerPolicy } from './tokens.ts';
import { codeOf } from './verdicts.ts';

/** The parts, by the place at which they are called. */
export const SEAMS = [
  'headers',
  'clock',
  'keys.lookup',
  'keys.load',
  'checks.check',
  'checks.accepted',
  'revocations.revokes',
  'revocations.freshAtMs',
  'ledger.spend',
  'exchange',
] as const;
export type Seam = (typeof SEAMS)[number];

/** Those that may answer later: they can also reject, or never answer until they are given up. */
export const ASYNCHRONOUS: readonly Seam[] = ['keys.load', 'checks.check', 'ledger.spend'];

export type FaultKind = 'throw' | 'reject' | 'hang';

/** One call, of one seam, that breaks. */
export interface Fault {
  readonly seam: Seam;
  /** Which call, from 1. */
  readonly call: number;
  readonly kind: FaultKind;
}

export class FaultWorld {
  readonly calls: Record<Seam, number> = Object.fromEntries(SEAMS.map((seam) => [seam, 0])) as Record<Seam, number>;
  readonly cache: VerificationCache;
  readonly #pipeline: Pipeline;
  #fault: Fault | undefined;
  /** Ends what hangs. */
  #abort: (() => void) | undefined;
  #isKeyKnown = false;

  constructor(form: 'cached' | 'one-time') {
    const trip = <Result>(seam: Seam, work: () => Result): Result => this.#trip(seam, work);
    const tripping = (): number => trip('clock', clock);
    const key = testKey('ES256');
    const local = createLocalKeys({ issuer: ISSUER, keys: [key.material] });
    const keys: KeySource = {
      issuer: ISSUER,
      id: local.id,
      lookup: (...call) => trip('keys.lookup', () => (this.#isKeyKnown ? local.lookup(...call) : undefined)),
      load: (alg, kid) =>
        trip('keys.load', async () => {
          await Promise.resolve();
          this.#isKeyKnown = true;
          return local.lookup(alg, kid, 0)!;
        }),
    };
    const plain = createVerifier({
      issuers: [issuerPolicy(key, { keys })],
      clock: tripping,
      checks: {
        check: (...call) => trip('checks.check', async () => inlineChecks.check(...call)),
        accepted: () => trip('checks.accepted', () => undefined),
      },
    });
    const view: RevocationView = {
      get freshAtMs() {
        return trip('revocations.freshAtMs', clock);
      },
      revokes: (token) => trip('revocations.revokes', () => token.claims.jti === 'revoked'),
    };
    const revocable = createRevocableVerifier(plain, view, { clock: tripping });
    const spent = new Set<string>();
    const ledger = {
      spend: (id: string): Promise<boolean> => trip('ledger.spend', async () => !spent.has(id) && Boolean(spent.add(id))),
      close: () => Promise.resolve(),
    };
    this.cache = createCachedVerifier(form === 'cached' ? revocable : createSingleUseVerifier(revocable, ledger));
    this.#pipeline = createPipeline({
      source: 'bearer',
      verifier: this.cache,
      exchange: () => trip('exchange', () => 'exchanged'),
    });
  }

  /** Breaks the given call, counted from now on. */
  arm(fault: Fault): void {
    this.#fault = { ...fault, call: this.calls[fault.seam] + fault.call };
  }

  /** Gives up what hangs. @returns whether something did */
  abort(): boolean {
    const abort = this.#abort;
    this.#abort = undefined;
    abort?.();
    return abort !== undefined;
  }

  /** Whether the fault happened. */
  get hasTripped(): boolean {
    return this.#fault === undefined;
  }

  /** 'accepted', or why not. */
  async admit(compact: string): Promise<string> {
    const source = fromRecord({ authorization: `Bearer ${compact}` });
    try {
      const identity = await this.#pipeline.admit({ values: (name) => this.#trip('headers', () => source.values(name)) });
      return identity instanceof Identity ? 'accepted' : 'no identity';
    } catch (error) {
      return codeOf(error);
    }
  }

  #trip<Result>(seam: Seam, work: () => Result): Result {
    this.calls[seam] += 1;
    const fault = this.#fault;
    if (fault === undefined || fault.seam !== seam || fault.call !== this.calls[seam]) return work();
    this.#fault = undefined;
    const broken = new Error('Broken on purpose');
    if (fault.kind === 'throw') throw broken;
    if (fault.kind === 'reject') return Promise.reject(broken) as Result;
    return new Promise((_, reject) => {
      this.#abort = () => reject(broken);
    }) as Result;
  }
}
