/** Keeps the identity of the caller through everything that happens on a request: promises, timers, and its own events. */
import type { EventEmitter } from 'node:events';
import { type Identity, runAnonymous, runWithIdentity } from '@watchword/core';

/** Runs work in the context of one caller. */
type Scope = <Result>(work: () => Result) => Result;

// Requests and responses whose events are bound; the value is the scope entered last, so that an inner one wins.
const bound = new WeakMap<EventEmitter, Scope>();

/**
 * Runs `work` as the caller, and every listener of `emitters` too, whoever emits. A request emits `data` and `end` from the
 * socket, where the context is empty or belongs to whoever woke the socket up: without this a body read by listeners is
 * read by nobody (D5).
 * @param identity undefined: on nobody's behalf, as {@link runAnonymous} does
 * @param emitters the request and the response
 */
export function runAsCaller<Result>(
  identity: Identity | undefined,
  emitters: readonly EventEmitter[],
  work: () => Result,
): Result {
  const scope: Scope = (inner) => (identity === undefined ? runAnonymous(inner) : runWithIdentity(identity, inner));
  for (const emitter of emitters) bind(emitter, scope);
  return scope(work);
}

function bind(emitter: EventEmitter, scope: Scope): void {
  const isBound = bound.has(emitter);
  bound.set(emitter, scope);
  if (isBound) return;
  const emit = emitter.emit;
  // Not written where it is assigned: V8 puts such functions among old objects at once, where it would keep the request for long.
  const inScope: typeof emit = (...event) => bound.get(emitter)!(() => emit.apply(emitter, event));
  emitter.emit = inScope;
}
