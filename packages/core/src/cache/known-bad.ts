/** Remembers signatures that were found invalid, so that the same junk again costs a look-up and no signature check. */
import { type SignatureChecks, type SignedToken, inlineChecks } from '../jws/signature-checks.ts';
import type { VerificationKey } from '../keys/verification-key.ts';
import { assertBetween, assertFunction, assertKnownOptions } from '../options.ts';
import { type TokenDigest, createTokenDigest } from './token-digest.ts';
import { VerdictTable } from './verdict-table.ts';

/** How much junk to remember. */
export interface KnownBadOptions {
  /** Most signatures kept. Those that came again stay when a flood of new ones passes (SIEVE). Default 4096: 0.5 MB. */
  readonly maxEntries?: number;
  /** Asked for what is not known to be bad. Default: checks on this thread, at once. */
  readonly checks?: SignatureChecks;
  /** Source of the digest's key. */
  readonly randomBytes?: (size: number) => Uint8Array;
}

/** Counters since the start, and a gauge. */
export interface KnownBadStats {
  /** Tokens refused without a signature check. */
  readonly hits: number;
  readonly evictions: number;
  readonly size: number;
}

/** Signature checks that remember what is bad. */
export interface KnownBadMemory extends SignatureChecks {
  /** Whether this token is known not to bear the signature of this key. */
  isBad(compact: string, key: VerificationKey): boolean;
  stats(): KnownBadStats;
}

/**
 * Puts a memory of its own, apart from that of good tokens (D8), in front of other checks. That a signature over a whole token is
 * not that of one key, told by its `VerificationKey.id`, is true for ever: nothing here can become stale, neither by time nor by
 * a change of keys, and nothing needs to be withdrawn. Refusals for any other reason are not remembered.
 * @throws WatchwordError `config_invalid`
 */
export function createKnownBadMemory(options: KnownBadOptions = {}): KnownBadMemory {
  assertKnownOptions(options, ['maxEntries', 'checks', 'randomBytes'], 'knownBad');
  const maxEntries = assertBetween(options.maxEntries ?? 4096, 1, 1_048_576, 'knownBad.maxEntries');
  const checks = options.checks ?? inlineChecks;
  assertFunction(checks.check, 'knownBad.checks.check');
  return new SuspiciousChecks(Math.floor(maxEntries), checks, createTokenDigest(options.randomBytes));
}

class SuspiciousChecks implements KnownBadMemory {
  readonly #checks: SignatureChecks;
  readonly #digest: TokenDigest;
  /** The id of the last key whose signature a token does not bear. */
  readonly #table: VerdictTable<string>;
  #hits = 0;

  constructor(maxEntries: number, checks: SignatureChecks, digest: TokenDigest) {
    this.#checks = checks;
    this.#digest = digest;
    this.#table = new VerdictTable(maxEntries, digest);
  }

  isBad(compact: string, key: VerificationKey): boolean {
    const isBad = this.#digest.update(compact) && this.#table.get(compact.length) === key.id;
    if (isBad) this.#hits += 1;
    return isBad;
  }

  check(token: SignedToken, key: VerificationKey, nowMs: number): boolean | Promise<boolean> {
    const { compact } = token;
    if (this.isBad(compact, key)) return false;
    const answer = this.#checks.check(token, key, nowMs);
    if (typeof answer !== 'boolean') return this.#whenAnswered(answer, compact, key);
    if (!answer) this.#remember(compact, key);
    return answer;
  }

  accepted(token: SignedToken, key: VerificationKey, expiresAtMs: number): void {
    this.#checks.accepted?.(token, key, expiresAtMs);
  }

  stats(): KnownBadStats {
    return { hits: this.#hits, evictions: this.#table.evictions, size: this.#table.size };
  }

  // A rejection is no answer, and is not remembered.
  async #whenAnswered(answer: Promise<boolean>, compact: string, key: VerificationKey): Promise<boolean> {
    const isProven = await answer;
    if (!isProven) this.#remember(compact, key);
    return isProven;
  }

  #remember(compact: string, key: VerificationKey): void {
    if (this.#digest.update(compact)) this.#table.set(compact.length, key.id);
  }
}
