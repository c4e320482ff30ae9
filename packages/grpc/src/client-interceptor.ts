/** Carries the caller's Txn-Token on calls of a grpc-js client, and the external token on none. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type Interceptor, InterceptingCall, type Metadata } from '@grpc/grpc-js';
import { type HeaderSink, type Propagator, assertConfig } from '@watchword/core';

/** Options of {@link createClientInterceptor}. */
export interface ClientInterceptorOptions {
  /**
   * The origin that the client connects to: `http://orders:50051`, or `https:` with TLS. grpc-js does not tell its interceptors; for
   * an address like `dns:///orders:50051` the origin is `http://orders:50051`.
   */
  readonly connectsTo: string;
  /**
   * Whether calls may carry `authorization` metadata that the caller put there. Default `strip`. Call credentials of grpc-js, which
   * the service has of its own, are added later and stay.
   */
  readonly authorization?: 'strip' | 'keep';
}

/**
 * Makes an interceptor for `new Client(address, credentials, { interceptors: [...] })`, for all four kinds of calls. The caller is the
 * one in whose context the call is made, also for what its callbacks and events do later.
 * @throws WatchwordError `config_invalid`; from the call `context_lost` when the destination is allowed and nobody said on whose behalf
 * it is made
 */
export function createClientInterceptor(propagator: Propagator, options: ClientInterceptorOptions): Interceptor {
  assertConfig(typeof propagator?.inject === 'function', 'clientInterceptor: make the propagator with createPropagator');
  const { connectsTo, authorization = 'strip', ...unknown } = options;
  assertConfig(Object.keys(unknown).length === 0, `clientInterceptor.${Object.keys(unknown)[0]}: unknown option`);
  assertConfig(
    authorization === 'strip' || authorization === 'keep',
    'clientInterceptor.authorization: must be "strip" or "keep"',
  );
  const url = URL.parse(connectsTo);
  assertConfig(url !== null && /^https?:$/.test(url.protocol), 'clientInterceptor.connectsTo: must be an http or https origin');
  return (callOptions, nextCall) => {
    const restore = AsyncLocalStorage.snapshot();
    return new InterceptingCall(nextCall(callOptions), {
      start(metadata, _listener, next) {
        // A copy: metadata that the caller uses again, elsewhere, must not have the token in them.
        const own = metadata.clone();
        if (authorization === 'strip') own.remove('authorization');
        propagator.inject(url, sinkOf(own));
        // Answers come from the socket, in the context of whoever opened it (D5).
        next(own, {
          onReceiveMetadata: (received, pass) => restore(() => pass(received)),
          onReceiveMessage: (message, pass) => restore(() => pass(message)),
          onReceiveStatus: (status, pass) => restore(() => pass(status)),
        });
      },
    });
  };
}

function sinkOf(metadata: Metadata): HeaderSink {
  return { set: (name, value) => metadata.set(name, value), delete: (name) => metadata.remove(name) };
}
