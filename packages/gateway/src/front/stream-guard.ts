/**
 * Ends what still runs when its caller may not have it any more: streams of events, long answers, WebSockets. A request is decided
 * once; without this a stream would outlive its token by hours.
 *
 * Bound: {@link LOOK_EVERY_MS} after the token has expired, or after its revocation (or that of its key) is known here.
 */
import {
  type Clock,
  type ErrorCode,
  type VerifiedToken,
  type Verifier,
  WatchwordError,
  systemClock,
  toWatchwordError,
} from '@watchword/core';
import type { Route } from '../routing/route.ts';

/** How often streams are looked at, and how old a request is before it counts as one. */
export const LOOK_EVERY_MS = 1000;
/** Every so many looks everything is asked again, whether or not somebody told of a withdrawal: news may get lost. */
const ASK_ALL_EVERY = 10;

/** A request that runs. */
export interface GuardedStream {
  readonly startMs: number;
  readonly route: Route | undefined;
  readonly token: VerifiedToken | undefined;
  isLong: boolean;
  /** The guard's own: where it keeps this one. */
  place: number;
  /** Ends it: its caller may not have it any more. */
  endStream(error: WatchwordError): void;
}

/** What the guard asks and tells. */
export interface StreamGuardOptions {
  /** Whose verdicts; undefined: every route is public. */
  readonly verifier: Pick<Verifier, 'holds' | 'onWithdrawal'> | undefined;
  /** Whether the token may still use the route: scopes, current revocations. @throws WatchwordError */
  readonly authorize: (token: VerifiedToken, route: Route) => void;
  readonly clock?: Clock | undefined;
  readonly tally: StreamTally;
}

/** Counters, for the metrics. */
export interface StreamTally {
  /** Requests that have run for longer than a second. */
  openStreams: number;
  readonly endedStreams: Map<ErrorCode, number>;
}

/** Looks after the requests that began under one configuration. */
export class StreamGuard {
  readonly #options: StreamGuardOptions;
  readonly #clock: Clock;
  readonly #stopListening: (() => void) | undefined;
  // In places that are used again. Neither linked to each other nor in a Set, whose outgrown tables are: one such link from what has
  // grown old keeps all that came after it alive through collections of young objects, at a third of the processor time.
  readonly #streams: (GuardedStream | undefined)[] = [];
  readonly #free: number[] = [];
  #timer: NodeJS.Timeout | undefined;
  #looks = 0;
  #isNews = false;
  // When news were last taken note of: whoever was too young to be asked then is asked at its first look.
  #newsMs = -Infinity;

  constructor(options: StreamGuardOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#stopListening = options.verifier?.onWithdrawal?.(() => (this.#isNews = true));
  }

  enter(stream: GuardedStream): void {
    stream.place = this.#free.pop() ?? this.#streams.length;
    this.#streams[stream.place] = stream;
    this.#timer ??= setInterval(() => this.look(performance.now()), LOOK_EVERY_MS).unref();
  }

  leave(stream: GuardedStream): void {
    if (this.#streams[stream.place] !== stream) return;
    this.#streams[stream.place] = undefined;
    this.#free.push(stream.place);
    if (stream.isLong) this.#options.tally.openStreams -= 1;
    stream.isLong = false;
  }

  /** Looks at every stream once. @param nowMs of the monotonic clock that `startMs` is from */
  look(nowMs: number): void {
    this.#looks += 1;
    if (this.#isNews) this.#newsMs = nowMs;
    const asksAll = this.#isNews || this.#looks % ASK_ALL_EVERY === 0;
    this.#isNews = false;
    const wallMs = this.#clock();
    for (const stream of this.#streams) {
      if (stream === undefined || nowMs - stream.startMs < LOOK_EVERY_MS) continue;
      const asks = asksAll || (!stream.isLong && stream.startMs <= this.#newsMs);
      if (!stream.isLong) this.#options.tally.openStreams += 1;
      stream.isLong = true;
      const error = this.#objection(stream, nowMs, wallMs, asks);
      if (error !== undefined) this.#end(stream, error);
    }
    if (this.#free.length < this.#streams.length) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#stopListening?.();
  }

  #objection({ token, route, startMs }: GuardedStream, nowMs: number, wallMs: number, asks: boolean): WatchwordError | undefined {
    if (route === undefined) return undefined;
    const { maxSeconds, atExpiry } = route.streams;
    if (maxSeconds !== undefined && nowMs - startMs >= maxSeconds * 1000) return new WatchwordError('stream_expired');
    if (token === undefined) return undefined;
    const isWithin = token.isWithin(wallMs);
    if (!isWithin && atExpiry === 'end') return new WatchwordError(token.window.endsBy);
    return asks ? this.#ask(token, route, isWithin) : undefined;
  }

  #ask(token: VerifiedToken, route: Route, isWithin: boolean): WatchwordError | undefined {
    try {
      // Beyond its expiry `holds` says no in any case; what an operator wants to end then is ended by `maxSeconds`.
      if (isWithin && this.#options.verifier?.holds(token) === false) return new WatchwordError('token_revoked');
      this.#options.authorize(token, route);
      return undefined;
    } catch (thrown) {
      // Nobody can say whether it was revoked: a new request would be refused too.
      return toWatchwordError(thrown);
    }
  }

  #end(stream: GuardedStream, error: WatchwordError): void {
    const { endedStreams } = this.#options.tally;
    endedStreams.set(error.code, (endedStreams.get(error.code) ?? 0) + 1);
    this.leave(stream);
    stream.endStream(error);
  }
}
