/** The attempts at one request: which target has it, how much of it that one may have seen, and whether there may be another. */
import type { IncomingHttpHeaders } from 'node:http';
import { type ForwardedRequest, declaredLength, keptBody } from './forwarded-request.ts';
import type { KeptBody } from './kept-body.ts';
import type { Member } from './member.ts';
import { mayRetry } from './retry-policy.ts';
import type { Exchange, Flow } from './target.ts';
import type { Upstream } from './upstream.ts';

/** The part of a forwarding that sends. One object with the part that answers: a request makes no more of them. */
export abstract class Attempts implements Exchange {
  protected readonly upstream: Upstream;
  protected readonly request: ForwardedRequest;
  /** The target of the attempt that is under way; undefined: none is. */
  protected member: Member | undefined = undefined;
  protected flow: Flow | undefined = undefined;
  /** Whether the target may have seen a byte of it. */
  protected sent = false;
  /** Bytes of its answer. */
  protected received = 0;
  readonly #kept: KeptBody | undefined;
  #retries = 0;

  constructor(upstream: Upstream, request: ForwardedRequest) {
    this.upstream = upstream;
    this.request = request;
    this.#kept = keptBody(upstream, request);
  }

  abstract onRequestStart(flow: Flow): void;
  abstract onResponseStart(flow: Flow, status: number, headers: IncomingHttpHeaders): void;
  abstract onResponseData(flow: Flow, chunk: Buffer): void;
  abstract onResponseEnd(flow: Flow, trailers: IncomingHttpHeaders): void;
  abstract onResponseError(flow: Flow | undefined, error: Error): void;

  protected attempt(member: Member): void {
    this.member = member;
    this.sent = false;
    member.inFlight += 1;
    const { method, target, headers, body, bodyTimeoutMs, upgrade } = this.request;
    member.target.send(
      {
        method,
        path: target,
        headers,
        body: this.#kept?.open() ?? body,
        bodyTimeout: bodyTimeoutMs ?? null,
        upgrade: upgrade?.to ?? null,
      },
      this,
    );
  }

  protected endAttempt(): Member {
    const member = this.member!;
    member.inFlight -= 1;
    this.upstream.hop.count(this.sent ? declaredLength(this.request.headers) : 0, this.received);
    this.received = 0;
    this.member = undefined;
    this.flow = undefined;
    return member;
  }

  protected isClientsFault(error: Error): boolean {
    return (this.request.body?.errored ?? null) !== null || (error as { code?: unknown }).code === 'UND_ERR_INVALID_ARG';
  }

  /** Takes one from the budget. Only to be asked as long as no part of an answer has gone to the client. */
  protected takesRetry(error: Error): boolean {
    const { retries, balancer, budget } = this.upstream;
    if (this.#retries >= retries || this.isClientsFault(error)) return false;
    // Without another target only a new connection can help, and none could be made.
    if (!this.sent && balancer.members.length === 1) return false;
    const { method, body } = this.request;
    const replayable = body === null || (this.#kept === undefined ? !this.sent && !body.destroyed : this.#kept.isWhole);
    return replayable && mayRetry({ method, sent: this.sent, error }) && budget.spend();
  }

  protected retry(failed: Member): void {
    this.#retries += 1;
    const member = this.upstream.balancer.choose(failed);
    member.retries += 1;
    this.attempt(member);
  }
}
