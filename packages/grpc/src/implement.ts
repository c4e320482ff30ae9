/** Handlers that may be async, and whose failures become the right status. */
import type { ServiceDefinition, UntypedHandleCall, UntypedServiceImplementation } from '@grpc/grpc-js';
import { WatchwordError, assertConfig } from '@watchword/core';
import { toGrpcStatus } from './status.ts';

/** A handler of grpc-js; one without a stream of responses may also return its response, or a promise of it. */
export type Handler = (call: never, callback: never) => unknown;

/**
 * Makes what `server.addService(definition, ...)` takes. A `WatchwordError` that a handler throws, rejects with or hands to its
 * callback becomes its status; errors with a numeric `code` stay as they are; anything else becomes INTERNAL, and is reported as a
 * process warning instead of to the caller. grpc-js by itself tells the caller `error.message`, and lets a rejection end the process.
 * @throws WatchwordError `config_invalid` for a method without a handler
 */
export function implement(
  definition: ServiceDefinition,
  handlers: Readonly<Record<string, Handler>>,
): UntypedServiceImplementation {
  const methods = Object.entries(definition).map(([name, { responseStream, originalName }]) => {
    const handler = handlers[name] ?? handlers[originalName ?? name];
    assertConfig(typeof handler === 'function', `implement: no handler for ${name}`);
    return [name, (responseStream ? streaming(handler) : single(handler)) as UntypedHandleCall];
  });
  return Object.fromEntries(methods) as UntypedServiceImplementation;
}

type Callback = (error: unknown, ...rest: unknown[]) => void;

function single(handler: Handler): (call: unknown, callback: Callback) => void {
  return (call, callback) => {
    let isAnswered = false;
    const once: Callback = (error, ...rest) => {
      if (isAnswered) return;
      isAnswered = true;
      callback(error ? describe(error) : null, ...rest);
    };
    attempt(
      () => handler(call as never, once as never),
      (value) => value !== undefined && once(null, value),
      once,
    );
  };
}

function streaming(handler: Handler): (call: { destroyed: boolean; emit(event: 'error', error: unknown): void }) => void {
  return (call) =>
    attempt(
      () => handler(call as never, undefined as never),
      () => undefined,
      (error) => void (!call.destroyed && call.emit('error', describe(error))),
    );
}

function attempt(work: () => unknown, onValue: (value: unknown) => void, onFailure: (thrown: unknown) => void): void {
  try {
    const result = work();
    if (result instanceof Promise) result.then((value) => onValue(value)).catch((thrown: unknown) => onFailure(thrown));
    else onValue(result);
  } catch (thrown) {
    onFailure(thrown);
  }
}

function describe(thrown: unknown): unknown {
  const isForeign = !(thrown instanceof WatchwordError);
  // A status that the handler chose itself.
  if (isForeign && typeof (thrown as { code?: unknown } | null)?.code === 'number') return thrown;
  if (isForeign || thrown.facts.http === 500) process.emitWarning(thrown instanceof Error ? thrown : String(thrown));
  return Object.assign(new Error('The call failed'), toGrpcStatus(thrown));
}
