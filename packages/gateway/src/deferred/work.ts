/**
 * Carries out what was accepted: receipt -> route -> verify as of the acceptance -> revocation and authorization as of now -> mint ->
 * upstream. All with the configuration that is in force when it runs.
 */
import { Readable } from 'node:stream';
import {
  type BatchVerdict,
  type Clock,
  type Deferral,
  type DeferredVerifier,
  type ErrorCode,
  type VerifiedToken,
  type Verifier,
  WatchwordError,
  toWatchwordError,
} from '@watchword/core';
import type { DeferredRequest, Job, JobResult, Receipts } from '@watchword/deferred';
import type { AuthorizeStage } from '../decision/authorize.ts';
import type { ExchangeStage } from '../decision/exchange.ts';
import type { RouteStage, Routed } from '../decision/route.ts';
import { forward } from '../upstream/forward.ts';
import { isNeverSent } from '../upstream/upstream-error.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Upstreams } from '../upstream/upstreams.ts';
import { Absences } from './absences.ts';
import { type Answer, CollectedAnswer } from './collected-answer.ts';
import { FROM, HOST, PATH } from './door.ts';
import { encodeAnswer } from './stored-answer.ts';

/** What a worker is given to work with. */
export interface WorkParts {
  readonly route: RouteStage;
  /** Knows the revocations, and that they count after the end of a token that waits. */
  readonly verifier: DeferredVerifier;
  /** Puts status lists around a verifier. */
  readonly decorate: (verifier: Verifier) => Verifier;
  readonly authorize: AuthorizeStage;
  readonly exchange: ExchangeStage;
  readonly upstreams: Upstreams;
  readonly receipts: Receipts;
  /** Longest answer that is kept for the client. */
  readonly answerBytes: number;
  readonly clock: Clock;
}

/** Does a batch of jobs, each for itself once its token is verified. None rejects: what went wrong is the result. */
export type DoJobs = (jobs: readonly Job<DeferredRequest>[]) => readonly Promise<JobResult>[];

/** Builds it. */
export function createWork(parts: WorkParts): DoJobs {
  const accepted = new AcceptedTokens();
  const absences = new Absences(parts.clock);
  const verifier = parts.decorate(accepted);
  const doJob = async ({ job, routed, deferral }: Plan, verdict: Promise<BatchVerdict>): Promise<JobResult> => {
    let upstream: Upstream | undefined;
    let isVerified = false;
    try {
      const known = await verdict;
      isVerified = known.token !== undefined;
      const token = await accepted.during(job.entry.id, known, (reference) => verifier.verify(reference));
      // Keys and status lists may have taken long to come: what was taken back meanwhile counts, up to the call.
      await parts.verifier.assertHolds(token, deferral);
      parts.authorize(token, routed.route);
      if (job.signal.aborted) throw new WatchwordError('upstream_timeout', 'The work was given up');
      const txnToken = parts.exchange(token, routed.route);
      const target = (upstream = parts.upstreams.get(routed.route.upstream!));
      const answer = await absences.guard(target, () => call(job, target, txnToken, parts.answerBytes));
      if (isForAnotherTime(answer)) throw new WatchwordError('upstream_unavailable');
      return { state: 'done', status: answer.status, result: parts.receipts.closeResult(job.entry.id, encodeAnswer(answer)) };
    } catch (thrown) {
      return resultOf(toWatchwordError(thrown), isVerified, upstream?.balancer.isDown === true);
    }
  };
  return (jobs) => {
    const plans = jobs.map((job) => planOf(job, parts));
    const verdicts = verifyByKey(plans.filter(isPlan), parts.verifier);
    return plans.map(async (plan) => (isPlan(plan) ? doJob(plan, verdicts.get(plan)!) : resultOf(plan, false, false)));
  };
}

/** What is to be done about a job by the rules of now. */
interface Plan {
  readonly job: Job<DeferredRequest>;
  readonly routed: Routed;
  readonly deferral: Deferral;
}

function isPlan(plan: Plan | WatchwordError): plan is Plan {
  return !(plan instanceof WatchwordError);
}

function planOf(job: Job<DeferredRequest>, parts: WorkParts): Plan | WatchwordError {
  try {
    const routed = routeOf(job, parts);
    const { acceptedAtMs, runBeforeMs } = job.entry;
    // The latest moment was fixed at acceptance; a route that has become stricter since ends what waits, too. Never the other way
    // round: revocations are remembered for as long as the routes of now let requests wait.
    const nowBeforeMs = acceptedAtMs + routed.route.deferredForMs!;
    return { job, routed, deferral: { acceptedAtMs, runBeforeMs: Math.min(runBeforeMs, nowBeforeMs) } };
  } catch (thrown) {
    return toWatchwordError(thrown);
  }
}

// One batch for each key: no job waits for a key that is not its own.
function verifyByKey(plans: readonly Plan[], verifier: DeferredVerifier): ReadonlyMap<Plan, Promise<BatchVerdict>> {
  const groups = Map.groupBy(plans, ({ job: { entry, request } }) => `${request.token.split('.', 1)[0]} ${entry.issuer}`);
  const verdicts = new Map<Plan, Promise<BatchVerdict>>();
  for (const group of groups.values()) {
    const batch = verifier.verifyMany(group.map(({ job, deferral }) => ({ token: job.request.token, deferral })));
    for (const [index, plan] of group.entries()) verdicts.set(plan, verdictAt(batch, index));
  }
  return verdicts;
}

// As a verdict also what goes wrong with a batch as a whole: a job that ends before it looks leaves no rejection behind.
async function verdictAt(batch: Promise<readonly BatchVerdict[]>, index: number): Promise<BatchVerdict> {
  try {
    return (await batch)[index]!;
  } catch (thrown) {
    return { error: toWatchwordError(thrown) };
  }
}

// By the rules of now: a route that is gone, or is not deferred any more, runs nothing.
function routeOf({ request: { method, target, headers } }: Job<DeferredRequest>, { route }: WorkParts): Routed {
  const kept = (name: string): string => headers.find(([field]) => field === name)?.[1] ?? '';
  const routed = route({ method, host: kept(HOST), target, headers: { values: () => [] } });
  if (routed.route.deferredForMs === undefined || routed.canonicalPath !== kept(PATH)) {
    throw new WatchwordError('route_unknown', 'The route is not what it was when the request was accepted');
  }
  return routed;
}

async function call(job: Job<DeferredRequest>, upstream: Upstream, txnToken: string, answerBytes: number): Promise<Answer> {
  const { request, entry, signal } = job;
  const reply = new CollectedAnswer(answerBytes);
  const { body } = request;
  signal.addEventListener('abort', () => reply.fail(new WatchwordError('upstream_timeout', 'The work was given up')), {
    once: true,
  });
  forward(
    upstream,
    {
      method: request.method,
      target: request.target,
      headers: fieldsOf(request, entry.id, txnToken),
      body: body.length === 0 ? null : Readable.from([Buffer.from(body)]),
      authenticated: true,
    },
    reply,
    { failed: (error) => reply.fail(error), brokenOff: (error) => reply.fail(error) },
  );
  return reply.promise;
}

// The delivery id is the same each time, so that an upstream that remembers it does the work once.
function fieldsOf({ headers }: DeferredRequest, id: string, txnToken: string): string[] {
  const fields = headers.filter(([name]) => !name.startsWith(':')).flat();
  const from = headers.find(([name]) => name === FROM)?.[1] ?? 'unknown';
  const host = headers.find(([name]) => name === HOST)?.[1] ?? '';
  if (!headers.some(([name]) => name.toLowerCase() === 'idempotency-key')) fields.push('idempotency-key', id);
  fields.push('x-watchword-delivery', id, 'x-forwarded-for', from, 'x-forwarded-host', host, 'txn-token', txnToken);
  return fields;
}

// Statuses by which an upstream says that it has not done the work: RFC 9110 sections 15.6.3 to 15.6.5, RFC 6585 section 4.
function isForAnotherTime({ status }: Answer): boolean {
  return status === 429 || status === 502 || status === 503 || status === 504;
}

// What fails on our side before anything is sent.
const OURS: ReadonlySet<ErrorCode> = new Set([
  'keys_unavailable',
  'revocation_unavailable',
  'signing_unavailable',
  'replay_unavailable',
  'overloaded',
  'queue_unavailable',
  'clock_invalid',
]);

/**
 * What is wrong with the request stays wrong. What is wrong on our side, or with an upstream that is not there at all, is not the
 * request's fault: it waits. What an upstream that is there failed at may be: that counts.
 */
function resultOf(error: WatchwordError, isVerified: boolean, isUpstreamDown: boolean): JobResult {
  const { code: reason, facts } = error;
  if (facts.http < 500 && facts.http !== 429) return { state: 'refused', reason, isUnverified: !isVerified };
  const isWaiting = OURS.has(reason) || isUpstreamDown || isNeverSent(error);
  return { state: isWaiting ? 'wait' : 'retry', reason };
}

/**
 * Verdicts by reference: decorators of verifiers know a token by its text, but here the time of its acceptance belongs to it, and two
 * requests may carry one token. So what they pass on is the id of an entry.
 */
class AcceptedTokens implements Verifier {
  readonly policyId = 'accepted earlier';
  readonly #pending = new Map<string, BatchVerdict>();

  async during(id: string, verdict: BatchVerdict, work: (reference: string) => Promise<VerifiedToken>): Promise<VerifiedToken> {
    this.#pending.set(id, verdict);
    try {
      return await work(id);
    } finally {
      this.#pending.delete(id);
    }
  }

  async verify(reference: string): Promise<VerifiedToken> {
    const { token, error } = this.#pending.get(reference)!;
    if (token === undefined) throw error;
    return token;
  }

  // Each is verified when it runs; nothing is remembered.
  holds(): boolean {
    return false;
  }
}
