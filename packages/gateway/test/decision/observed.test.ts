import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { WatchwordError } from '@watchword/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DECISION_END_CHANNEL, DECISION_START_CHANNEL, observed } from '../../src/decision/observed.ts';
import type { Decide, Decision, DecisionRequest } from '../../src/decision/decision.ts';

const request = {} as DecisionRequest;
const decision = {} as Decision;
const refusal = new WatchwordError('token_missing');

describe('observed', () => {
  const seen: string[] = [];
  const onStart = (): number => seen.push('start');
  const onEnd = (): number => seen.push('end');

  beforeEach(() => {
    seen.length = 0;
    subscribe(DECISION_START_CHANNEL, onStart);
    subscribe(DECISION_END_CHANNEL, onEnd);
  });
  afterEach(() => {
    unsubscribe(DECISION_START_CHANNEL, onStart);
    unsubscribe(DECISION_END_CHANNEL, onEnd);
  });

  it('publishes the end of a refusal and passes it on', () => {
    const decide: Decide = () => {
      throw refusal;
    };
    expect(() => observed(decide)(request)).toThrow(refusal);
    expect(seen).toEqual(['start', 'end']);
  });

  it('publishes the end of a late refusal and passes it on', async () => {
    await expect(observed(() => Promise.reject(refusal))(request)).rejects.toBe(refusal);
    expect(seen).toEqual(['start', 'end']);
  });

  it('publishes around a decision that is there at once, and leaves it synchronous', () => {
    expect(observed(() => decision)(request)).toBe(decision);
    expect(seen).toEqual(['start', 'end']);
  });

  it('publishes the end of a late decision when it is there', async () => {
    const { promise, resolve } = Promise.withResolvers<Decision>();
    const result = observed(() => promise)(request);
    expect(seen).toEqual(['start']);
    resolve(decision);
    await expect(result).resolves.toBe(decision);
    expect(seen).toEqual(['start', 'end']);
  });
});
