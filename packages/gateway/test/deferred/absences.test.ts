/** An upstream that nobody answers for is tried by one at a time, and only now and then. */
import { WatchwordError } from '@watchword/core';
import { beforeEach, expect, test } from 'vitest';
import { Absences } from '../../src/deferred/absences.ts';
import { isNeverSent, toUpstreamError } from '../../src/upstream/upstream-error.ts';

const UPSTREAM = {};
let nowMs: number;
let absences: Absences;
let calls: number;
beforeEach(() => {
  nowMs = 1_800_000_000_000;
  absences = new Absences(() => nowMs);
  calls = 0;
});

const refused = (code: string): Error => toUpstreamError(Object.assign(new Error(code), { code }));
const call = (result: Promise<string> | Error, upstream: object = UPSTREAM): Promise<string> =>
  absences.guard(upstream, async () => {
    calls += 1;
    if (result instanceof Error) throw result;
    return result;
  });
const failureOf = (promise: Promise<string>): Promise<WatchwordError> =>
  promise.then(
    () => expect.unreachable('it was answered'),
    (error: WatchwordError) => error,
  );

test('after nobody was there, nobody is asked for a while; then one, and the others when it was answered', async () => {
  await failureOf(call(refused('UND_ERR_CONNECT_TIMEOUT')));
  nowMs += 4999;
  const error = await failureOf(call(Promise.resolve('answer')));
  expect([error.code, isNeverSent(error), calls]).toEqual(['upstream_unavailable', true, 1]);
  expect(await call(Promise.resolve('answer'), {})).toBe('answer');
  nowMs += 1;
  const probe = Promise.withResolvers<string>();
  const probing = call(probe.promise);
  await failureOf(call(Promise.resolve('answer')));
  probe.resolve('answer');
  expect(await probing).toBe('answer');
  expect(await call(Promise.resolve('answer'))).toBe('answer');
  expect(calls).toBe(4);
});

test('a try that finds nobody begins another pause', async () => {
  for (let turn = 1; turn <= 3; turn += 1) {
    await failureOf(call(refused('ECONNREFUSED')));
    await failureOf(call(refused('ECONNREFUSED')));
    expect(calls).toBe(turn);
    nowMs += 5000;
  }
});

test('whoever is there and fails is no absence, nor is a place that was not free', async () => {
  await failureOf(call(refused('UND_ERR_SOCKET')));
  await failureOf(call(new WatchwordError('overloaded')));
  expect(await call(Promise.resolve('answer'))).toBe('answer');
  await failureOf(call(refused('ECONNREFUSED')));
  nowMs += 5000;
  await failureOf(call(new WatchwordError('overloaded')));
  await failureOf(call(Promise.resolve('answer')));
  expect(calls).toBe(5);
});

test('a clock that went back holds up nothing', async () => {
  await failureOf(call(refused('ECONNREFUSED')));
  nowMs -= 3_600_000;
  expect(await call(Promise.resolve('answer'))).toBe('answer');
});
