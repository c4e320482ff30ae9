/** What messages carry, and which headers are ours. */
import { describe, expect, test } from 'vitest';
import { runAnonymous, runWithIdentity } from '../../src/context/context.ts';
import { Identity } from '../../src/context/identity.ts';
import {
  REASON_HEADER,
  deadLetterHeaders,
  fromMessageHeaders,
  isIdentityHeader,
  withoutIdentityHeaders,
} from '../../src/messages/message-headers.ts';
import { createMessagePropagator } from '../../src/messages/message-propagator.ts';
import { verifiedToken } from '../support/tokens.ts';
import { outcome } from '../support/verdicts.ts';

const identity = new Identity(await verifiedToken(), 'a.b.c');
const issuer = { issue: async ({ topic }: { topic: string }): Promise<string> => `voucher.for.${topic}` };

describe('refusals', () => {
  test.each<[string, object]>([
    ['a list that is none', { topics: 'orders' }],
    ['an empty name', { topics: [''] }],
    ['a pattern for everything', { topics: ['>'] }],
    ['vouchers without an issuer', { vouchers: { topics: ['orders'] } }],
    ['a topic in both lists', { topics: ['orders'], vouchers: { topics: ['orders'], issuer } }],
    ['an unknown option', { destinations: [] }],
  ])('%s', (_name, options) => expect(outcome(() => createMessagePropagator(options as never))).toBe('config_invalid'));

  test('D5: nobody said on whose behalf, for a listed topic', async () => {
    const propagator = createMessagePropagator({ topics: ['orders'], vouchers: { topics: ['later'], issuer } });
    for (const topic of ['orders', 'later']) {
      await expect(propagator.headerFor(topic)).rejects.toMatchObject({ code: 'context_lost' });
    }
    expect(await propagator.headerFor('other')).toBeUndefined();
  });

  test('no voucher, no message', async () => {
    const failing = { issue: async () => Promise.reject(new Error('token service is gone')) };
    const propagator = createMessagePropagator({ vouchers: { topics: ['later'], issuer: failing } });
    await expect(runWithIdentity(identity, () => propagator.headerFor('later'))).rejects.toThrow('token service');
  });
});

test('carries a token, a voucher, or nothing', async () => {
  const propagator = createMessagePropagator({ topics: ['orders', 'audit.>'], vouchers: { topics: ['later'], issuer } });
  const as = (who: Identity, topic: string): unknown => runWithIdentity(who, () => propagator.headerFor(topic));
  expect(await as(identity, 'orders')).toEqual({ name: 'txn-token', value: 'a.b.c' });
  expect(await as(identity, 'audit.x.y')).toEqual({ name: 'txn-token', value: 'a.b.c' });
  expect(await as(identity, 'later')).toEqual({ name: 'txn-voucher', value: 'voucher.for.later' });
  expect(await as(identity, 'other')).toBeUndefined();
  expect(await as(new Identity(identity.token), 'orders')).toBeUndefined();
  expect(await runAnonymous(() => propagator.headerFor('orders'))).toBeUndefined();
  expect(await runWithIdentity(identity, () => createMessagePropagator({}).headerFor('orders'))).toBeUndefined();
  expect(['orders', 'later', 'other'].map((topic) => propagator.allows(topic))).toEqual([true, true, false]);
});

describe('headers', () => {
  test('E3: ours under every spelling that somebody could take for ours', () => {
    for (const name of ['txn-token', 'Txn-Token', 'TXN_TOKEN', 'txn_token', ' txn-token', 'Txn-Voucher', 'txn_voucher']) {
      expect([name, isIdentityHeader(name)]).toEqual([name, true]);
    }
    for (const name of ['x-txn-token', 'txn-tokens', 'txntoken', 'ce_txn-token', '']) {
      expect([name, isIdentityHeader(name)]).toEqual([name, false]);
    }
    expect(withoutIdentityHeaders({ Txn_Token: 'a', ce_type: 'b' })).toEqual({ ce_type: 'b' });
    expect(withoutIdentityHeaders(undefined)).toEqual({});
  });

  test('MQ-1: every value stays visible, whatever its type; what is no text is no token', () => {
    const read = (...values: unknown[]): readonly string[] =>
      fromMessageHeaders(values.map((value) => ['Txn_Token', value] as const)).values('txn-token');
    expect(read('a', Buffer.from('b'))).toEqual(['a', 'b']);
    expect(read(['a', Buffer.from('b')])).toEqual(['a', 'b']);
    for (const value of [7, true, null, undefined, {}, [], '', Buffer.alloc(0), new Date(0)]) expect(read(value)).toEqual(['\0']);
    expect(read(Uint8Array.of(0xff))).toEqual(['\u00ff']);
    expect(read()).toEqual([]);
  });

  test('a dead letter has its reason, no token, and its voucher', () => {
    const headers = { 'Txn-Token': 'a', 'txn-voucher': 'b', ce_type: 'c', [REASON_HEADER]: 'forged' };
    expect(deadLetterHeaders(headers, { reason: 'txn_expired' })).toEqual({
      'txn-voucher': 'b',
      ce_type: 'c',
      [REASON_HEADER]: 'txn_expired',
    });
  });
});
