/** Signature checks that one thread of a machine does for all, as a decorator of any others. */
import type { VerificationKey } from '../keys/verification-key.ts';
import { type SignatureChecks, type SignedToken, inlineChecks } from '../jws/signature-checks.ts';
import { assertKnownOptions } from '../options.ts';
import type { Verifier } from '../verify/verifier.ts';
import type { SharedTable } from './shared-table.ts';
import type { Era } from './shared-slot.ts';

/** What is asked when the table doesn't know. */
export interface SharedChecksOptions {
  /** Default: checks on this thread, at once. */
  readonly checks?: SignatureChecks;
}

/**
 * Checks that look into a shared table first. Shared is one fact only: that this is the signature of the holder of this key over
 * this token. Claims, time, key trust and revocation are up to the verifier of each thread, so no policy can lend its verdict to
 * another (D2). HMAC is not shared: looking up costs what it would save.
 */
export function createSharedChecks(table: SharedTable, options: SharedChecksOptions = {}): SignatureChecks {
  assertKnownOptions(options, ['checks'], 'sharedChecks');
  return new RememberedChecks(table, options.checks ?? inlineChecks);
}

/**
 * Voids the table when a key of `verifier` is removed or revoked. The verifier has refused the key's tokens before that; this keeps
 * the table from remembering them. One thread that listens is enough. @returns what ends it
 */
export function voidOnWithdrawal(table: SharedTable, verifier: Verifier): () => void {
  const stop = verifier.onWithdrawal?.((withdrawal) => {
    if ('keyId' in withdrawal) table.bumpKeys();
    else if ('kid' in withdrawal) table.bumpRevocations();
  });
  return stop ?? (() => {});
}

/** A check that said yes. */
interface Proof {
  readonly key: VerificationKey;
  readonly era: Era;
  readonly atMs: number;
}

class RememberedChecks implements SignatureChecks {
  readonly #table: SharedTable;
  readonly #checks: SignatureChecks;
  /** Only what was proven here is stored: not what the table itself said, nor what somebody calls accepted without a check. */
  readonly #proofs = new WeakMap<SignedToken, Proof>();

  constructor(table: SharedTable, checks: SignatureChecks) {
    this.#table = table;
    this.#checks = checks;
  }

  check(token: SignedToken, key: VerificationKey, nowMs: number): boolean | Promise<boolean> {
    if (!isWorthSharing(key)) return this.#checks.check(token, key, nowMs);
    if (this.#table.has(token.compact, key.id, nowMs)) return true;
    // Read before the check begins: if the key is removed during it, the entry is dead when it is written (D7).
    const proof = { key, era: this.#table.era(), atMs: nowMs };
    const answer = this.#checks.check(token, key, nowMs);
    if (typeof answer !== 'boolean') return this.#whenProven(answer, token, proof);
    if (answer) this.#proofs.set(token, proof);
    return answer;
  }

  accepted(token: SignedToken, key: VerificationKey, expiresAtMs: number): void {
    this.#checks.accepted?.(token, key, expiresAtMs);
    const proof = this.#proofs.get(token);
    if (proof?.key !== key) return;
    this.#table.store(token.compact, key.id, expiresAtMs, proof.era, proof.atMs);
  }

  async #whenProven(answer: Promise<boolean>, token: SignedToken, proof: Proof): Promise<boolean> {
    const isProven = await answer;
    if (isProven) this.#proofs.set(token, proof);
    return isProven;
  }
}

function isWorthSharing(key: VerificationKey): boolean {
  return key.algorithm.kty !== 'oct';
}
