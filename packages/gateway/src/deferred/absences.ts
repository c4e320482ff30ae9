/** Which upstreams nobody answers for: what waits for one of them must not take the places of what waits for another. */
import { type Clock, WatchwordError, readClock, toWatchwordError } from '@watchword/core';
import { NotProcessed } from '../upstream/target.ts';
import { isNeverSent } from '../upstream/upstream-error.ts';

/** After a failed try, and while one is under way, nobody else tries for so long. */
const PAUSE_MS = 5000;

/** Remembers upstreams that could not be reached. */
export class Absences {
  readonly #clock: Clock;
  readonly #until = new WeakMap<object, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Calls an upstream, unless nobody was there a moment ago. Of those that come after that moment one tries; the others are told the
   * same until it has found out.
   * @throws what `call` does; WatchwordError `upstream_unavailable`, of which `isNeverSent` is true
   */
  async guard<Answer>(upstream: object, call: () => Promise<Answer>): Promise<Answer> {
    if (!this.#mayTry(upstream))
      throw new WatchwordError('upstream_unavailable', 'Nobody answered for the upstream a moment ago', {
        cause: new NotProcessed(),
      });
    try {
      const answer = await call();
      this.#until.delete(upstream);
      return answer;
    } catch (thrown) {
      const error = toWatchwordError(thrown);
      if (isNeverSent(error)) this.#pause(upstream);
      // Whoever found no place has learnt nothing about the upstream.
      else if (error.code !== 'overloaded') this.#until.delete(upstream);
      throw error;
    }
  }

  #mayTry(upstream: object): boolean {
    const untilMs = this.#until.get(upstream);
    if (untilMs === undefined) return true;
    const nowMs = readClock(this.#clock);
    // A clock that went back must not hold up anything for long.
    if (nowMs < untilMs && nowMs >= untilMs - PAUSE_MS) return false;
    this.#pause(upstream);
    return true;
  }

  #pause(upstream: object): void {
    this.#until.set(upstream, this.#clock() + PAUSE_MS);
  }
}
