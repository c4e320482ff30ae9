/** One request on its way through the edge: inspect -> decide -> forward. Holds no policy of its own, and knows no protocol. */
import { type VerifiedToken, WatchwordError, toWatchwordError } from '@watchword/core';
import type { TlsOptions } from 'node:tls';
import type { LimitsConfig } from '../config/config.ts';
import type { EdgeListenConfig } from '../config/sections/listen.ts';
import { type Decide, Decision, Refusal } from '../decision/decision.ts';
import type { DeferredDoor } from '../deferred/door.ts';
import type { InspectedHeaders } from '../headers/request-headers.ts';
import { type FieldValues, clientOf, forwardingFields } from '../headers/forwarding.ts';
import type { IsTrusted } from '../headers/trusted-peers.ts';
import type { Route } from '../routing/route.ts';
import { type ForwardObserver, forward } from '../upstream/forward.ts';
import type { Upstreams } from '../upstream/upstreams.ts';
import { answerRefusal } from './answer.ts';
import type { GuardedStream, StreamGuard } from './stream-guard.ts';
import { UpgradeCall } from './upgrade-call.ts';
import type { ClientCall } from './client-call.ts';

/** What the edge reports. Called on every request: implementations only count. */
export interface EdgeObserver {
  /** A request begins; `answered` will be called for it. */
  entered?(): void;
  /** One answered request. `route` is undefined when none was found; status 499 means that the client left first. */
  answered(route: Route | undefined, status: number, durationMs: number): void;
  /** A request that was refused, or that failed upstream. */
  refused(error: WatchwordError, route: Route | undefined, method: string): void;
  /** A connection more than may be open was closed. */
  turnedAway?(): void;
  /** A client sent Txn-Token fields; they were removed. */
  removedTxnTokens(count: number): void;
}

/** What the edge is made of. */
export interface EdgeOptions {
  readonly decide: Decide;
  readonly upstreams: Upstreams;
  readonly limits: LimitsConfig;
  readonly listen: EdgeListenConfig;
  /** Puts requests of deferred routes aside; undefined: there are none. */
  readonly door?: DeferredDoor | undefined;
  /** Looks after requests that last. */
  readonly streams: StreamGuard;
  /** Whether any route has `upgrade`. */
  readonly takesUpgrades: boolean;
  /** Undefined: cleartext. */
  readonly tls?: TlsOptions | undefined;
  readonly observer: EdgeObserver;
  /** Whether one request more than may run at a time runs, this one included. Default: never. */
  readonly isFull?: () => boolean;
  /** Whose word about the way of a request is believed. Default: nobody's. */
  readonly isTrusted?: IsTrusted;
  /** What is in force now, if that may change. A request keeps to its end what it began with. */
  readonly current?: () => EdgeOptions;
}

/** Sends one call on its way. Whatever happens then is told to the client and to the observer. */
export function pass(call: ClientCall, options: EdgeOptions): void {
  new Passage(call, options.current?.() ?? options).start();
}

class Passage implements ForwardObserver, GuardedStream {
  readonly #call: ClientCall;
  readonly #options: EdgeOptions;
  readonly startMs: number = performance.now();
  token: VerifiedToken | undefined = undefined;
  isLong = false;
  place = -1;
  #route: Route | undefined = undefined;
  #refusedAs: number | undefined = undefined;

  constructor(call: ClientCall, options: EdgeOptions) {
    this.#call = call;
    this.#options = options;
    options.observer.entered?.();
    options.streams.enter(this);
    call.onClose(this.#onClose);
  }

  get route(): Route | undefined {
    return this.#route;
  }

  /** Decides at once on a warm cache, later otherwise. Every error on the way refuses (E13). */
  start(): void {
    try {
      if (this.#options.isFull?.()) throw new WatchwordError('overloaded', 'Too many requests at a time');
      const headers = this.#call.inspect();
      if (headers.removedTxnTokens > 0) this.#options.observer.removedTxnTokens(headers.removedTxnTokens);
      const { method, target, clientCertificate } = this.#call;
      const { door } = this.#options;
      if (door?.isStatus(target)) return this.#unless(door.answerStatus(this.#call));
      const canDefer = door !== undefined;
      const decision = this.#options.decide({ method, host: headers.host, target, headers, clientCertificate, canDefer });
      if (decision instanceof Promise) this.#later(decision, headers).catch((thrown: unknown) => this.#refuse(thrown));
      else this.#forward(decision, headers);
    } catch (thrown) {
      this.#refuse(thrown);
    }
  }

  failed(error: WatchwordError): void {
    this.#refuse(error);
  }

  brokenOff(error: WatchwordError): void {
    this.#options.observer.refused(error, this.#route, this.#call.method);
  }

  endStream(error: WatchwordError): void {
    this.#refusedAs = error.facts.http;
    this.#options.observer.refused(error, this.#route, this.#call.method);
    if (this.#call.gone) return;
    // Nobody has answered yet: the client gets to know why.
    if (this.#call.started) this.#call.endEarly(error);
    else answerRefusal(this.#call, error);
  }

  async #later(pending: Promise<Decision>, headers: InspectedHeaders): Promise<void> {
    this.#forward(await pending, headers);
  }

  #forward(decision: Decision, headers: InspectedHeaders): void {
    this.#route = decision.route;
    this.token = decision.token;
    if (this.#call.gone) return;
    const { upstream } = decision;
    if (upstream === undefined) throw new Refusal('route_unknown', 'The route is for decisions only', { route: decision.route });
    const { stream, upgrade, deferredForMs } = decision.route;
    if (deferredForMs !== undefined) return this.#defer(decision, headers);
    const upgrading = upgrade !== undefined && this.#call instanceof UpgradeCall ? this.#call : undefined;
    upgrading?.assertHandshake();
    const body = this.#call.openBody(headers, stream ? Infinity : this.#options.limits.bodyBytes);
    const { peer } = this.#call;
    const told = this.#options.isTrusted?.(peer) ? (name: string) => headers.received(name) : undefined;
    const txnToken = Decision.txnTokenOf(decision);
    forward(
      this.#options.upstreams.get(upstream),
      {
        method: this.#call.method,
        // The target itself, not a copy made from parts: what was decided on is what goes out (E6).
        target: this.#call.target,
        headers: this.#withOurs(headers, txnToken, peer, told),
        body,
        client: body === null ? undefined : clientOf(peer, told),
        authenticated: txnToken !== undefined,
        bodyTimeoutMs: stream ? 0 : null,
        upgrade: upgrading && { to: 'websocket', done: (fields, socket) => void upgrading.switchTo(fields, socket) },
      },
      this.#call,
      this,
    );
  }

  #defer(decision: Decision, headers: InspectedHeaders): void {
    const { peer } = this.#call;
    const told = this.#options.isTrusted?.(peer) ? (name: string) => headers.received(name) : undefined;
    // Without a door the decision would have refused.
    this.#unless(this.#options.door!.accept(this.#call, headers, decision, clientOf(peer, told)));
  }

  // An answer of our own, unless there is a reason against it.
  #unless(answering: Promise<void>): void {
    answering.catch((thrown: unknown) => this.#refuse(thrown));
  }

  // Added after everything of the client's was removed, so that ours are the only ones (E1, E2, E5).
  #withOurs(headers: InspectedHeaders, txnToken: string | undefined, peer: string, told: FieldValues | undefined): string[] {
    const { forwarded, host } = headers;
    forwarded.push(...forwardingFields({ peer, scheme: this.#call.scheme, host }, told));
    if (txnToken !== undefined) forwarded.push('txn-token', txnToken);
    return forwarded;
  }

  #refuse(thrown: unknown): void {
    const error = toWatchwordError(thrown);
    this.#refusedAs = error.facts.http;
    if (error instanceof Refusal && error.route !== undefined) this.#route = error.route;
    this.#options.observer.refused(error, this.#route, this.#call.method);
    if (this.#call.gone) return;
    if (this.#call.started) this.#call.breakOff();
    else answerRefusal(this.#call, error);
  }

  readonly #onClose = (): void => {
    this.#options.streams.leave(this);
    // What gRPC is told with status 200 is counted as what it is.
    const status = this.#call.answered === undefined ? 499 : (this.#refusedAs ?? this.#call.answered);
    this.#options.observer.answered(this.#route, status, performance.now() - this.startMs);
  };
}
