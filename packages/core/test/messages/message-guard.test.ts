/** Guards of message handlers: what is refused, what comes again and when, what is told. */
import { describe, expect, test } from 'vitest';
import { WatchwordError } from '../../src/errors.ts';
import { fromRecord } from '../../src/carrier/carrier.ts';
import { currentIdentityOrNobody } from '../../src/context/context.ts';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import {
  type DeliveredMessage,
  type MessageGuardOptions,
  type MessageReport,
  createMessageGuard,
} from '../../src/messages/message-guard.ts';
import type { Settlement } from '../../src/messages/settlement.ts';
import { type Pipeline, createPipeline } from '../../src/pipeline.ts';
import { createTxnPipeline } from '../../src/txn/verify.ts';
import { NOW, clock, verifiedToken } from '../support/tokens.ts';
import { DOMAIN, minterOf, signer, txnVerifierOf } from '../support/txn.ts';
import { outcome } from '../support/verdicts.ts';

const keys = createLocalKeys({ issuer: DOMAIN, jwks: { keys: [signer.publicJwk()] }, algorithms: ['ES256'] });
const pipeline = createTxnPipeline({ trustDomain: DOMAIN, keys, clock });
const token = minterOf().mint({ subject: await verifiedToken({ scope: 'a b' }) });
const good = fromRecord({ 'txn-token': token });

function guardOf(changes: Partial<MessageGuardOptions> = {}): ReturnType<typeof createMessageGuard> {
  return createMessageGuard({ pipeline, topics: { orders: {} }, ...changes });
}

async function settlementOf(
  message: Partial<DeliveredMessage>,
  changes: Partial<MessageGuardOptions> = {},
  handler: () => unknown = () => 'result',
): Promise<Settlement> {
  return guardOf(changes).handle({ topic: 'orders', headers: good, delivery: 1, ...message }, handler);
}

function failing(code: 'keys_unavailable' | 'internal' | 'upstream_timeout'): Pipeline {
  const admit = (): never => {
    throw new WatchwordError(code);
  };
  return { source: 'txn-token', authenticate: admit, admit };
}

describe('options that are refused', () => {
  const external = createPipeline({ source: 'bearer', verifier: txnVerifierOf() });
  test.each<[string, object]>([
    ['no topics', { topics: undefined }],
    ['an empty list of topics, which would refuse everything', { topics: {} }],
    ['a rule with an unknown option', { topics: { orders: { scope: ['a'] } } }],
    ['a rule of null', { topics: { orders: null } }],
    ['scopes that are one string', { topics: { orders: { scopes: 'a' } } }],
    ['an empty list of scopes', { topics: { orders: { scopes: [] } } }],
    ['a scope with a space', { topics: { orders: { scopes: ['a b'] } } }],
    ['a pattern for everything', { topics: { '>': {} } }],
    ['a pattern with its tail in the middle', { topics: { 'a.>.b': {} } }],
    ['a pipeline for external tokens', { pipeline: external }],
    ['no limit of deliveries', { maxDeliveries: Infinity }],
    ['no time between deliveries', { retryAfterMs: 0 }],
    ['an unknown option', { maxDelivery: 3 }],
    ['vouchers that cannot be redeemed', { vouchers: {} }],
  ])('%s', (_name, changes) => expect(outcome(() => guardOf(changes as never))).toBe('config_invalid'));
});

describe('messages that are refused for good', () => {
  test.each<[string, Partial<DeliveredMessage>, Partial<MessageGuardOptions>, string]>([
    ['no token', { headers: fromRecord({}) }, {}, 'txn_missing'],
    ['a topic without a rule', { topic: 'order' }, {}, 'topic_unknown'],
    ['a topic named like a member of every object', { topic: 'constructor' }, {}, 'topic_unknown'],
    ['a scope that is missing', {}, { topics: { orders: { scopes: ['c'] } } }, 'scope_insufficient'],
    ['a voucher where none are taken', { headers: fromRecord({ 'txn-voucher': 'a.b.c' }) }, {}, 'voucher_refused'],
    [
      'two vouchers',
      { headers: fromRecord({ 'txn-voucher': ['a.b.c', 'a.b.c'] }) },
      { vouchers: { redeem: async () => token } },
      'txn_ambiguous',
    ],
    [
      'a voucher that is redeemed for something that is no Txn-Token',
      { headers: fromRecord({ 'txn-voucher': 'a.b.c' }) },
      { vouchers: { redeem: async () => 'a.b.c' } },
      'txn_malformed',
    ],
  ])('%s', async (_name, message, changes, reason) => {
    let entered = 0;
    const settlement = await settlementOf(message, changes, () => (entered += 1));
    expect(settlement).toMatchObject({ action: 'dead-letter', stage: 'admission', reason });
    expect(entered).toBe(0);
  });

  test('MQ-5: a token that expired in the queue, cached or not', async () => {
    let nowMs = NOW * 1000;
    const ageing = createTxnPipeline({ trustDomain: DOMAIN, keys, clock: () => nowMs });
    expect(await settlementOf({}, { pipeline: ageing })).toMatchObject({ action: 'done' });
    nowMs += 3_600_000;
    expect(await settlementOf({}, { pipeline: ageing })).toMatchObject({ action: 'dead-letter', reason: 'txn_expired' });
  });
});

describe('messages that come again', () => {
  test('ER-4: during an outage, later and later, however often', async () => {
    const delays: number[] = [];
    for (const delivery of [1, 2, 3, 6, 7, 100, Infinity]) {
      const settlement = await settlementOf({ delivery }, { pipeline: failing('keys_unavailable') });
      expect(settlement).toMatchObject({ action: 'retry', stage: 'admission', reason: 'keys_unavailable' });
      delays.push((settlement as { delayMs: number }).delayMs);
    }
    expect(delays).toEqual([1000, 2000, 4000, 30_000, 30_000, 30_000, 30_000]);
    const redeem = async (): Promise<never> => Promise.reject(new WatchwordError('upstream_timeout'));
    const headers = fromRecord({ 'txn-voucher': 'a.b.c' });
    expect(await settlementOf({ headers, delivery: 50 }, { vouchers: { redeem } })).toMatchObject({ action: 'retry' });
  });

  test('after a failure that nobody foresaw, and after one of the handler, so often and no more', async () => {
    const fail = (): never => {
      throw new Error('broken');
    };
    for (const [delivery, action] of [
      [1, 'retry'],
      [4, 'retry'],
      [5, 'dead-letter'],
      [Infinity, 'dead-letter'],
    ] as const) {
      expect(await settlementOf({ delivery }, { pipeline: failing('internal') })).toMatchObject({ action, reason: 'internal' });
      expect(await settlementOf({ delivery }, {}, fail)).toMatchObject({ action, stage: 'handler', reason: 'handler_failed' });
    }
    expect(await settlementOf({ delivery: 1, isLast: true }, {}, fail)).toMatchObject({ action: 'dead-letter' });
    // What it throws is not taken for a verdict on the caller.
    const refuse = async (): Promise<never> => Promise.reject(new WatchwordError('token_expired'));
    expect(await settlementOf({}, {}, refuse)).toMatchObject({ action: 'retry', reason: 'handler_failed' });
  });
});

describe('messages that are done', () => {
  test('as the caller, with the result of the handler', async () => {
    const settlement = await settlementOf({}, {}, async () => currentIdentityOrNobody()?.subject);
    expect(settlement).toEqual({ action: 'done', result: 'user-1' });
  });

  test("of a public topic on nobody's behalf", async () => {
    const settlement = await settlementOf({}, { topics: { orders: 'public' } }, () => currentIdentityOrNobody() ?? 'nobody');
    expect(settlement).toEqual({ action: 'done', result: 'nobody' });
  });

  test('by the most exact rule: a name before a pattern', async () => {
    const topics = { 'orders.*': { scopes: ['c'] }, 'orders.new': { scopes: ['a'] }, 'audit.>': {} };
    const of = async (topic: string): Promise<string> => {
      const settlement = await settlementOf({ topic }, { topics });
      return settlement.action === 'done' ? 'done' : settlement.reason;
    };
    expect(await of('orders.new')).toBe('done');
    expect(await of('orders.old')).toBe('scope_insufficient');
    expect(await of('audit.a.b')).toBe('done');
    for (const topic of ['orders', 'orders.a.b', 'orders.', 'audit', 'audit.', 'audit..a', 'audits.a', '']) {
      expect([topic, await of(topic)]).toEqual([topic, 'topic_unknown']);
    }
  });
});

test('a voucher is redeemed for where the sender sent the message, which the rule need not know', async () => {
  const asked: object[] = [];
  const redeem = async (request: object): Promise<string> => {
    asked.push(request);
    return token;
  };
  const headers = fromRecord({ 'txn-voucher': 'a.b.c' });
  expect(await settlementOf({ headers, sentTo: 'exchange' }, { vouchers: { redeem } })).toMatchObject({ action: 'done' });
  expect(await settlementOf({ headers }, { vouchers: { redeem } })).toMatchObject({ action: 'done' });
  expect(asked).toEqual([
    { voucher: 'a.b.c', topic: 'exchange' },
    { voucher: 'a.b.c', topic: 'orders' },
  ]);
});

test('E12: reports have names of rules and reasons of a closed set, and nothing of a message', async () => {
  const reports: MessageReport[] = [];
  const guard = guardOf({ topics: { 'orders.*': {} }, onSettled: (report) => void reports.push(report) });
  const secret = `orders.${token}`;
  await guard.handle({ topic: 'orders.new', headers: good, delivery: 1 }, () => undefined);
  await guard.handle({ topic: 'elsewhere', headers: good, delivery: 1 }, () => undefined);
  await guard.handle({ topic: secret, headers: fromRecord({ 'txn-token': 'x' }), delivery: 2 }, () => undefined);
  expect(reports).toEqual([
    { topic: 'orders.*', action: 'done', reason: undefined, delivery: 1 },
    { topic: 'unlisted', action: 'dead-letter', reason: 'topic_unknown', delivery: 1 },
    { topic: 'unlisted', action: 'dead-letter', reason: 'topic_unknown', delivery: 2 },
  ]);
});

test('a report that throws makes no message come again', async () => {
  const onSettled = (): never => {
    throw new Error('counter');
  };
  expect(await settlementOf({}, { onSettled })).toEqual({ action: 'done', result: 'result' });
});
