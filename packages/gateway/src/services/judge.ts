/** Decides for a proxy that asks: request as reported -> decision or refusal, and the count of it. */
import { type WatchwordError, toWatchwordError } from '@watchword/core';
import { type Decide, type Decision, type DecisionRequest, Refusal } from '../decision/decision.ts';
import type { EdgeObserver } from '../front/passage.ts';
import type { Route } from '../routing/route.ts';
import type { ServiceTally } from './service-tally.ts';
import type { ReportedFields } from './reported-fields.ts';

/** A request that a proxy asks about. */
export interface ReportedRequest extends DecisionRequest {
  readonly headers: ReportedFields;
}

/** What a decision service is made of. */
export interface JudgeOptions {
  /** What is in force now. A question keeps to its end what it began with. */
  readonly current: () => { readonly decide: Decide; readonly observer: EdgeObserver };
  readonly tally: ServiceTally;
}

/** Who asked, and waits. */
export interface Asker {
  /** Whether nobody waits any more. */
  readonly gone: boolean;
  allow(decision: Decision, request: ReportedRequest): void;
  refuse(error: WatchwordError): void;
}

/**
 * Answers one question, at once on a warm cache.
 * @param read the request as the proxy reports it; what it throws refuses, as everything that is thrown does (E13)
 */
export function judge(read: () => ReportedRequest, asker: Asker, options: JudgeOptions): void {
  const startMs = performance.now();
  const { decide, observer } = options.current();
  observer.entered?.();
  let method = '';
  const conclude = (answer: () => void, route: Route | undefined, status: number): void => {
    const { gone } = asker;
    if (!gone) answer();
    const durationMs = performance.now() - startMs;
    options.tally.add(gone ? 499 : status, durationMs);
    observer.answered(route, gone ? 499 : status, durationMs);
  };
  const refuse = (thrown: unknown): void => {
    const error = toWatchwordError(thrown);
    const route = error instanceof Refusal ? error.route : undefined;
    observer.refused(error, route, method);
    conclude(() => asker.refuse(error), route, error.facts.http);
  };
  try {
    const request = read();
    method = request.method;
    if (request.headers.txnTokens > 0) observer.removedTxnTokens(request.headers.txnTokens);
    const allow = (decision: Decision): void => conclude(() => asker.allow(decision, request), decision.route, 200);
    const decision = decide(request);
    if (decision instanceof Promise) decision.then(allow).catch(refuse);
    else allow(decision);
  } catch (thrown) {
    refuse(thrown);
  }
}
