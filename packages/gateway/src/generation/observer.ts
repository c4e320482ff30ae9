/** What the edge reports, counted and logged. */
import type { EdgeObserver } from '../front/passage.ts';
import type { RouteTallies, Tally } from '../control/tally.ts';
import { type Logger, logRefusal } from '../logger.ts';
import type { Running } from './running.ts';

/** Builds the observer of one generation. */
export function createObserver(tally: Tally, tallies: RouteTallies, running: Running, logger: Logger): EdgeObserver {
  return {
    entered() {
      tally.running += 1;
      running.enter();
    },
    answered(route, status, durationMs) {
      tallies.answered(route, status, durationMs);
      tally.running -= 1;
      tally.clients.count();
      running.leave();
    },
    turnedAway() {
      tally.turnedAway += 1;
    },
    refused(error, route, method) {
      tally.refused(error.code);
      logRefusal(logger, error, route, method);
    },
    removedTxnTokens(count) {
      tally.removedTxnTokens += count;
    },
  };
}
