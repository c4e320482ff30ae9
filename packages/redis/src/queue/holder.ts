/** Claims of a queue, and what becomes of them: many at a time, in runs that are bounded. */
import { randomUUID } from 'node:crypto';
import { type Claim, type Outcome, type Release, roomOf } from '@watchword/deferred';
import { CLAIM } from './claim-script.ts';
import type { Argument } from './evaluate.ts';
import { AT_ONCE, factsOfClaim, factsOfEnd, factsOfRelease, inParts } from './facts.ts';
import { EXTEND, GIVE_BACK, RELEASE, SETTLE } from './hold-scripts.ts';
import type { QueueScript } from './prelude.ts';
import { claimOf, yesNo } from './replies.ts';
import type { QueueStore } from './store.ts';

/** Payloads in one run. */
const CLAIM_BYTES = 8 * 2 ** 20;

export class Holder {
  readonly #store: QueueStore;
  /** Tokens of claims that were sent, and whose answer did not arrive. */
  readonly #unheard = new Set<string>();

  constructor(store: QueueStore) {
    this.#store = store;
  }

  async claim(worker: string, most: number, leaseMs: number): Promise<readonly Claim[]> {
    await this.#giveBackUnheard();
    const claims: Claim[] = [];
    for (let isMore = true; isMore;) {
      const wanted = Math.min(AT_ONCE, most - claims.length);
      try {
        const given = await this.#claimSome(worker, wanted, leaseMs);
        claims.push(...given);
        isMore = claims.length < most && (given.length === wanted || isMuch(given));
      } catch (error) {
        // What has been claimed by then is still the answer.
        if (claims.length === 0) throw error;
        isMore = false;
      }
    }
    return claims;
  }

  async extend(claims: readonly Claim[], leaseMs: number): Promise<readonly Claim[]> {
    const leaseUntilMs = this.#store.now() + leaseMs;
    const held = await this.#each(EXTEND, claims, factsOfClaim, [leaseUntilMs]);
    return claims.flatMap((claim, index) => (held[index] === true ? [{ ...claim, leaseUntilMs }] : []));
  }

  async settle(outcomes: readonly (readonly [Claim, Outcome])[]): Promise<readonly boolean[]> {
    return this.#each(SETTLE, outcomes, factsOfEnd);
  }

  async release(releases: readonly Release[]): Promise<readonly boolean[]> {
    return this.#each(RELEASE, releases, factsOfRelease);
  }

  // Otherwise they would wait for their lease to run out, and an attempt that nobody has made would count.
  async #giveBackUnheard(): Promise<void> {
    const tokens = [...this.#unheard];
    if (tokens.length === 0) return;
    await this.#store.run(GIVE_BACK, tokens);
    for (const token of tokens) this.#unheard.delete(token);
  }

  async #claimSome(worker: string, most: number, leaseMs: number): Promise<readonly Claim[]> {
    const token = randomUUID();
    const nowMs = this.#store.now();
    const leaseUntilMs = nowMs + leaseMs;
    let isSent = false;
    const onSend = (): void => void (isSent = true);
    try {
      const reply = await this.#store.run(CLAIM, [worker, most, token, leaseUntilMs, CLAIM_BYTES], { nowMs, onSend });
      return (reply as readonly unknown[]).map((one) => claimOf(one, token, leaseUntilMs));
    } catch (error) {
      if (isSent) this.#unheard.add(token);
      throw error;
    }
  }

  async #each<Item>(
    script: QueueScript,
    items: readonly Item[],
    factsOf: (item: Item) => readonly Argument[],
    first: readonly Argument[] = [],
  ): Promise<readonly boolean[]> {
    const answers: boolean[] = [];
    for (const part of inParts(items)) {
      answers.push(...yesNo(await this.#store.run(script, [...first, ...part.flatMap(factsOf)])));
    }
    return answers;
  }
}

// More may be there than went into one run.
function isMuch(claims: readonly Claim[]): boolean {
  return claims.reduce((sum, { entry }) => sum + roomOf(entry.payload).bytes, 0) >= CLAIM_BYTES;
}
