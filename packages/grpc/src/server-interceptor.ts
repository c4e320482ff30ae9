/** Guards a grpc-js server: admit the caller, run the handler as that caller, refuse with a status. */
import { type Metadata, type ServerInterceptor, ServerInterceptingCall, type ServerListener } from '@grpc/grpc-js';
import {
  type Clock,
  type HeaderSource,
  type Identity,
  type Pipeline,
  type Requirement,
  type Schedule,
  TXN_TOKEN_HEADER,
  WatchwordError,
  assertConfig,
  runAnonymous,
  runWithIdentity,
  systemClock,
  systemSchedule,
  toWatchwordError,
} from '@watchword/core';
import { type MethodRules, assertMethodRules } from './methods.ts';
import { toGrpcStatus } from './status.ts';

/** Options of {@link createServerInterceptor}. */
export interface ServerInterceptorOptions {
  /** What methods ask for, where that is not just a good token. */
  readonly methods?: MethodRules;
  /**
   * What becomes of a stream whose token expires: `end-at-expiry` ends it with UNAUTHENTICATED, so that the client comes back with
   * a new one; `run-on` lets it go on for as long as it likes. Default `end-at-expiry`.
   */
  readonly streams?: 'end-at-expiry' | 'run-on';
  /** Protection space named in the challenge. Default: `watchword`. */
  readonly realm?: string;
  readonly clock?: Clock;
  readonly schedule?: Schedule;
}

const KNOWN = new Set(['methods', 'streams', 'realm', 'clock', 'schedule']);

/**
 * Makes an interceptor for `new Server({ interceptors: [...] })`. It admits all four kinds of calls before their handler is entered;
 * in the handler and on every event of the call `currentIdentity()` is the caller. The metadata that the handler gets carry neither
 * the Txn-Token nor `authorization`, so that it cannot copy them into calls of its own.
 * @throws WatchwordError `config_invalid`
 */
export function createServerInterceptor(pipeline: Pipeline, options: ServerInterceptorOptions = {}): ServerInterceptor {
  for (const name of Object.keys(options)) assertConfig(KNOWN.has(name), `serverInterceptor.${name}: unknown option`);
  const { streams = 'end-at-expiry', realm, clock = systemClock, schedule = systemSchedule } = options;
  assertConfig(
    streams === 'end-at-expiry' || streams === 'run-on',
    'serverInterceptor.streams: must be "end-at-expiry" or "run-on"',
  );
  const rules = assertMethodRules(options.methods ?? {});
  return ({ path, requestStream, responseStream }, call) => {
    const rule = rules.get(path) ?? {};
    const isGuarded = streams === 'end-at-expiry' && (requestStream || responseStream);
    return new GuardedCall(call, {
      admit: (metadata) => (rule === 'public' ? undefined : pipeline.admit(headersOf(metadata), rule)),
      refuse: (thrown) => call.sendStatus(toGrpcStatus(thrown, contextOf(rule, realm))),
      untilExpiry: (identity, expired) => (isGuarded ? whenExpired(identity, expired, clock, schedule) : () => undefined),
    });
  };
}

interface Guard {
  admit(metadata: Metadata): Identity | undefined | Promise<Identity>;
  refuse(thrown: unknown): void;
  /** @returns what stops waiting */
  untilExpiry(identity: Identity, expired: () => void): () => void;
}

type Scope = <Result>(work: () => Result) => Result;

class GuardedCall extends ServerInterceptingCall {
  readonly #guard: Guard;
  #scope: Scope = (work) => work();
  #isOver = false;
  #stopWaiting: () => void = () => undefined;

  constructor(call: ConstructorParameters<typeof ServerInterceptingCall>[0], guard: Guard) {
    super(call, { start: (next) => next(this.#admission()) });
    this.#guard = guard;
  }

  // What grpc-js tells the handler comes from the socket, in nobody's context (D5).
  override start(listener: Parameters<ServerInterceptingCall['start']>[0]): void {
    super.start({
      onReceiveMetadata: (metadata) => this.#scope(() => listener.onReceiveMetadata(metadata)),
      onReceiveMessage: (message) => this.#scope(() => listener.onReceiveMessage(message)),
      onReceiveHalfClose: () => this.#scope(() => listener.onReceiveHalfClose()),
      onCancel: () => {
        this.#stopWaiting();
        this.#scope(() => listener.onCancel());
      },
    });
  }

  override sendMessage(message: unknown, callback: () => void): void {
    if (!this.#isOver) super.sendMessage(message, () => this.#scope(callback));
  }

  override sendStatus(status: Parameters<ServerInterceptingCall['sendStatus']>[0]): void {
    this.#stopWaiting();
    if (!this.#isOver) super.sendStatus(status);
  }

  #admission(): ServerListener {
    return {
      onReceiveMetadata: (metadata, next) => {
        const enter = (identity: Identity | undefined): void => {
          metadata.remove(TXN_TOKEN_HEADER);
          metadata.remove('authorization');
          this.#enter(identity);
          next(metadata);
        };
        let admitted: Identity | undefined | Promise<Identity>;
        try {
          admitted = this.#guard.admit(metadata);
        } catch (thrown) {
          this.#refuse(thrown);
          return;
        }
        if (admitted instanceof Promise) admitted.then(enter).catch((thrown: unknown) => this.#refuse(thrown));
        else enter(admitted);
      },
    };
  }

  #enter(identity: Identity | undefined): void {
    if (identity === undefined) {
      this.#scope = runAnonymous;
      return;
    }
    // Not written where it is assigned: V8 puts such functions among old objects at once, and what they hold stays for long.
    const asCaller: Scope = (work) => runWithIdentity(identity, work);
    this.#scope = asCaller;
    this.#stopWaiting = this.#guard.untilExpiry(identity, () => this.#refuse(new WatchwordError('token_expired')));
  }

  #refuse(thrown: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const error = toWatchwordError(thrown);
    // Not the foreign error itself: its text could quote the token (E12).
    if (error.facts.http === 500) process.emitWarning(`A call was refused: ${error.code}, ${error.message}`, 'WatchwordWarning');
    this.#guard.refuse(error);
  }
}

function headersOf(metadata: Metadata): HeaderSource {
  return { values: (name) => metadata.get(name).map(String) };
}

function contextOf(rule: Requirement | 'public', realm: string | undefined): object {
  return { ...(rule !== 'public' && rule), ...(realm !== undefined && { realm }) };
}

const LONGEST_MS = 2 ** 31 - 1;

// By the clock, not by the timer, which may be early or sleep.
function whenExpired(identity: Identity, expired: () => void, clock: Clock, schedule: Schedule): () => void {
  const { expiresAtMs } = identity.token.window;
  let cancel = (): void => undefined;
  const wait = (): void => {
    const leftMs = expiresAtMs - clock();
    // A clock that gives no time ends the stream too (B2).
    if (!(leftMs > 0)) expired();
    else cancel = schedule(wait, Math.min(leftMs, LONGEST_MS));
  };
  wait();
  return () => cancel();
}
