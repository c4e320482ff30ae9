import { EventEmitter } from 'node:events';
import { callerOf, createTrustDomain } from '@watchword/conformance';
import { type Identity, currentIdentity, currentIdentityOrNobody } from '@watchword/core';
import { runAsCaller } from '@watchword/http';
import { beforeAll, expect, it } from 'vitest';
import { COLLECTED, ShortLived } from '../../core/test/support/collect-young.ts';

let first: Identity;
let second: Identity;
beforeAll(async () => {
  const trust = createTrustDomain();
  first = (await callerOf(trust, 'user-1')).identity;
  second = (await callerOf(trust, 'user-2')).identity;
});

function listening(emitter: EventEmitter): (string | undefined)[] {
  const seen: (string | undefined)[] = [];
  emitter.on('event', () => seen.push(currentIdentityOrNobody()?.subject));
  return seen;
}

it('runs listeners as the caller, though somebody else emits', () => {
  const emitter = new EventEmitter();
  const seen = listening(emitter);
  runAsCaller(first, [emitter], () => undefined);
  emitter.emit('event');
  runAsCaller(second, [], () => emitter.emit('event'));
  expect(seen).toEqual(['user-1', 'user-1']);
});

it('lets the identity that was entered last win: a guarded router inside a public one', () => {
  const emitter = new EventEmitter();
  const seen = listening(emitter);
  runAsCaller(undefined, [emitter], () => emitter.emit('event'));
  runAsCaller(first, [emitter], () => emitter.emit('event'));
  emitter.emit('event');
  expect(seen).toEqual([undefined, 'user-1', 'user-1']);
});

it('keeps arguments, results and errors of emit as they are', () => {
  const emitter = new EventEmitter();
  const seen: unknown[] = [];
  runAsCaller(first, [emitter], () => undefined);
  expect(emitter.emit('event', 1, 2)).toBe(false);
  emitter.on('event', function (this: unknown, ...values) {
    seen.push(this === emitter, ...values);
  });
  expect(emitter.emit('event', 1, 2)).toBe(true);
  expect(seen).toEqual([true, 1, 2]);
  const failure = new Error('nobody listens');
  expect(() => emitter.emit('error', failure)).toThrow(failure);
});

it('gives the result of the work back, and leaves no context behind', () => {
  expect(runAsCaller(first, [], () => currentIdentity().subject)).toBe('user-1');
  expect(() => currentIdentity()).toThrow(expect.objectContaining({ code: 'context_lost' }));
});

it('leaves nothing of a request to outlive the next collection of young objects', COLLECTED, async ({ skip }) => {
  const requests = await ShortLived.create(skip);
  for (let index = 0; index < 100; index += 1) {
    const request = new EventEmitter();
    requests.note(request);
    runAsCaller(first, [request], () => request.emit('event'));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await requests.expectGone();
});
