/** Finds cached verdicts by the facts by which they can be withdrawn. */
import type { VerifiedToken } from '../verify/verified-token.ts';
import type { Withdrawal } from '../verify/withdrawal.ts';
import { ClaimIndex } from './claim-index.ts';
import { type TokenDigest, homeOf } from './token-digest.ts';
import type { TableObserver } from './verdict-table.ts';
import { FACTS, target, valueOf } from './withdrawn.ts';

/** One index for each fact. */
export class VerdictIndexes implements TableObserver<VerifiedToken> {
  readonly #digest: TokenDigest;
  readonly #indexes = new Map(FACTS.map((fact) => [fact, new ClaimIndex()]));

  /** @param digest one of its own: that of the table is in use while verdicts come and go */
  constructor(digest: TokenDigest) {
    this.#digest = digest;
  }

  added(node: number, token: VerifiedToken): void {
    for (const [fact, index] of this.#indexes) {
      const value = valueOf(fact, token);
      index.add(node, value === undefined ? undefined : this.#hash(value));
    }
  }

  removed(node: number): void {
    for (const index of this.#indexes.values()) index.remove(node);
  }

  grown(capacity: number): void {
    for (const index of this.#indexes.values()) index.grow(capacity);
  }

  /** Numbers of all verdicts that a withdrawal means, and perhaps of a few others. */
  find(withdrawal: Withdrawal): number[] {
    const named = target(withdrawal);
    return named === undefined ? [] : this.#indexes.get(named.fact)!.find(this.#hash(named.value));
  }

  // Keyed, because users choose some of these values (D9). Zeros pad what is digested, hence the length.
  #hash(value: string): number {
    if (!this.#digest.update(value)) this.#digest.update(Buffer.from(value).toString('hex').slice(0, MAX_HEX) || '-');
    return homeOf(this.#digest.brief, 0) ^ Math.imul(value.length, 0x9e3779b1);
  }
}

/** Claims that are not ASCII, or longer than a digest takes, are found by the hexadecimal digits of their first 8 KB. */
const MAX_HEX = 16_384;
