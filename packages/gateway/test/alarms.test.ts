import { channel } from 'node:diagnostics_channel';
import { CACHE_NOT_WORTH_CHANNEL, CLOCK_STEP_CHANNEL, KEY_VANISHED_CHANNEL } from '@watchword/core';
import { expect, test } from 'vitest';
import { logAlarms } from '../src/alarms.ts';
import { startEdge } from './support/edge.ts';
import { ISSUER } from './support/identity-provider.ts';
import { startUpstream } from './support/upstream.ts';

const VANISHED = { issuer: ISSUER, kid: 'k1', alg: 'ES256', replaced: false, retainedUntilMs: 1_767_225_600_000 };

test('C6: a key that vanishes while in use is a warning in the log; that of another gateway in the process is not', async () => {
  const edge = await startEdge((await startUpstream()).url);
  channel(KEY_VANISHED_CHANNEL).publish({ ...VANISHED, issuer: 'https://other.example' });
  channel(KEY_VANISHED_CHANNEL).publish(VANISHED);
  const lines = edge.logs.filter(({ msg }) => String(msg).includes('vanished'));
  expect(lines).toEqual([
    expect.objectContaining({ level: 40, issuer: ISSUER, kid: 'k1', alg: 'ES256', retainedUntil: '2026-01-01T00:00:00.000Z' }),
  ]);
  await edge.close();
  channel(KEY_VANISHED_CHANNEL).publish(VANISHED);
  expect(edge.logs.filter(({ msg }) => String(msg).includes('vanished'))).toHaveLength(1);
});

test('a cache that is not worth its memory is a warning', () => {
  const lines: unknown[] = [];
  const log = (fields: unknown, message: unknown): void => void lines.push([fields, message]);
  const stop = logAlarms({ issuers: new Set(), policyId: 'a' }, { warn: log } as never);
  for (const policyId of ['b', 'a']) channel(CACHE_NOT_WORTH_CHANNEL).publish({ policyId, hitRate: 0.01 });
  stop();
  channel(CACHE_NOT_WORTH_CHANNEL).publish({ policyId: 'a', hitRate: 0.01 });
  expect(lines).toEqual([[{ hitRate: 0.01 }, 'the cache costs more than it saves']]);
});

test('S21: a clock that was set is a warning', () => {
  const lines: unknown[] = [];
  const log = (fields: unknown, message: unknown): void => void lines.push([fields, message]);
  const stop = logAlarms({ issuers: new Set(), policyId: undefined }, { warn: log } as never);
  channel(CLOCK_STEP_CHANNEL).publish({ stepMs: -7000 });
  stop();
  channel(CLOCK_STEP_CHANNEL).publish({ stepMs: -7000 });
  expect(lines).toEqual([[{ stepMs: -7000 }, expect.stringContaining('the clock went wrong')]]);
});
