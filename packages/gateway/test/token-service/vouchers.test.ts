/** Vouchers at the token service (TT-34): who may get and redeem them, for which topic, how often. */
import { join } from 'node:path';
import { createVoucherClient } from '@watchword/fetch';
import { describe, expect, test } from 'vitest';
import { createConfig } from '../../src/index.ts';
import { ISSUER, createTestIssuer, temporaryDirectory } from '../support/identity-provider.ts';
import {
  type Answer,
  DOMAIN,
  ORDERS,
  SECRET,
  TTS,
  TYPE,
  type TestTokenService,
  basic,
  claimsOf,
  startTestTokenService,
} from '../support/token-service.ts';

const VOUCHER = 'urn:watchword:token-type:txn_voucher';
const WORKER = { ...ORDERS, id: 'worker', grants: ['exchange', 'revoke-any'] };
const HOUR_MS = 3_600_000;

interface VoucherService extends TestTokenService {
  time: { nowMs: number };
  token(changes?: object): Promise<string>;
  issue(token: string, changes?: Record<string, string>, headers?: Record<string, string>): Promise<Answer>;
  redeem(voucher: string, changes?: Record<string, string>, headers?: Record<string, string>): Promise<Answer>;
}

async function startVoucherService(
  vouchers: object = {},
  overrides: object = {},
  clients: readonly object[] = [ORDERS, WORKER],
): Promise<VoucherService> {
  const time = { nowMs: Date.now() };
  const topics = {
    orders: { producers: ['orders'], consumers: ['worker'] },
    narrow: { producers: ['orders'], consumers: ['worker'], scopes: ['read'] },
  };
  const service = await startTestTokenService(
    overrides as Record<string, unknown>,
    { clock: () => time.nowMs },
    {
      clients,
      replay: { sqlite: join(temporaryDirectory(), 'replay.db') },
      vouchers: { topics, ...vouchers },
    },
  );
  const form = (token: string, from: string, to: string, changes: Record<string, string>): Record<string, string> => ({
    subject_token: token,
    subject_token_type: from,
    requested_token_type: to,
    topic: 'orders',
    ...changes,
  });
  const exchange = (fields: Record<string, string>, headers?: Record<string, string>): Promise<Answer> =>
    service.exchange({ scope: undefined, ...fields }, headers);
  return {
    ...service,
    time,
    token: async (changes = {}) =>
      (await service.exchange({ subject_token: service.issuer.token({ scope: 'read write', ...changes }), scope: 'read write' }))
        .body.access_token as string,
    issue: (token, changes = {}, headers = basic()) => exchange(form(token, TYPE('txn_token'), VOUCHER, changes), headers),
    redeem: (token, changes = {}, headers = basic('worker')) =>
      exchange(form(token, VOUCHER, TYPE('txn_token'), changes), headers),
  };
}

async function voucherOf(service: VoucherService, changes: Record<string, string> = {}): Promise<string> {
  const answer = await service.issue(await service.token(), changes);
  expect(answer.body).toMatchObject({ issued_token_type: VOUCHER, token_type: 'N_A' });
  return answer.body.access_token as string;
}

describe('refusals', () => {
  test('requests: each with its error', async () => {
    const service = await startVoucherService();
    const token = await service.token();
    const voucher = await voucherOf(service);
    const refused: [string, Promise<Answer>, string][] = [
      ['no topic', service.issue(token, { topic: '' }), 'invalid_request'],
      ['a topic that is not listed', service.issue(token, { topic: 'other' }), 'unauthorized_client'],
      ['a name of every object', service.issue(token, { topic: 'constructor' }), 'unauthorized_client'],
      ['a consumer that produces', service.issue(token, {}, basic('worker')), 'unauthorized_client'],
      ['a producer that consumes', service.redeem(voucher, {}, basic('orders')), 'unauthorized_client'],
      ['an access token', service.issue(service.issuer.token(), { subject_token_type: TYPE('access_token') }), 'invalid_request'],
      ['an access token called Txn-Token', service.issue(service.issuer.token()), 'invalid_request'],
      ['a voucher for a voucher', service.redeem(voucher, { requested_token_type: VOUCHER }), 'invalid_request'],
      ['a voucher called Txn-Token', service.redeem(voucher, { subject_token_type: TYPE('txn_token') }), 'invalid_request'],
      ['a Txn-Token called voucher', service.redeem(token), 'invalid_request'],
      ['another topic', service.redeem(voucher, { topic: 'narrow' }), 'invalid_request'],
      ['more scope', service.redeem(voucher, { scope: 'admin' }), 'invalid_scope'],
      ['scope that the topic does not take', service.issue(token, { topic: 'narrow', scope: 'write' }), 'invalid_scope'],
      ['contexts', service.redeem(voucher, { request_details: '{"order":1}' }), 'invalid_request'],
      ['another audience', service.redeem(voucher, { audience: 'other' }), 'invalid_target'],
      ['a topic where none belongs', service.exchange({ topic: 'orders' }), 'invalid_request'],
    ];
    for (const [name, answer, error] of refused) {
      const { status, body } = await answer;
      expect([name, status, body.error]).toEqual([name, 400, error]);
    }
    // It cannot be asked about as if it were a token either.
    expect((await service.post('/introspect', { token: voucher })).body).toEqual({ active: false });
    expect((await service.redeem(voucher)).status).toBe(200);
    for (const secret of [voucher, token]) expect(JSON.stringify(service.logs)).not.toContain(secret.split('.')[1]);
  });

  test('a service without vouchers knows neither side', async () => {
    const service = await startTestTokenService();
    const wanted = { requested_token_type: VOUCHER, topic: 'orders' };
    expect((await service.exchange(wanted)).body.error).toBe('invalid_request');
    expect((await service.exchange({ subject_token_type: VOUCHER, topic: undefined })).body.error).toBe('invalid_request');
  });

  test('an expired Txn-Token, an expired voucher', async () => {
    const service = await startVoucherService();
    const token = await service.token();
    const voucher = await voucherOf(service);
    service.time.nowMs += HOUR_MS;
    expect((await service.issue(token)).body.error).toBe('invalid_request');
    expect((await service.redeem(voucher)).status).toBe(200);
    service.time.nowMs += 24 * HOUR_MS;
    expect((await service.redeem(voucher)).body.error).toBe('invalid_request');
  });

  test('B12: once more than it may be redeemed, also at another instance', async () => {
    const service = await startVoucherService({ maxRedemptions: 3 });
    const voucher = await voucherOf(service);
    const answers = await Promise.all(Array.from({ length: 8 }, () => service.redeem(voucher)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    // Not used up by whoever was refused: another one still has all of its times.
    const other = await voucherOf(service);
    for (let time = 0; time < 5; time += 1) await service.redeem(other, { topic: 'narrow' });
    expect((await service.redeem(other)).status).toBe(200);
  });

  test('D7: revocation is judged when the voucher is redeemed: of the person at the identity provider, of the voucher itself', async () => {
    const service = await startVoucherService({}, { revocation: { log: { memory: true } } });
    const [voucher, other] = [await voucherOf(service), await voucherOf(service)];
    service.time.nowMs += HOUR_MS;
    expect((await service.redeem(voucher)).status).toBe(200);
    const revoke = (what: object): Promise<Response> =>
      fetch(`http://127.0.0.1:${service.controlPort}/revocations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ expiresInSeconds: 86_400, ...what }),
      });
    const { jti, sub } = claimsOf(voucher);
    expect((await revoke({ issuer: DOMAIN, jti })).ok).toBe(true);
    expect((await service.redeem(voucher)).body.error).toBe('invalid_request');
    expect((await service.redeem(other)).status).toBe(200);
    expect((await revoke({ issuer: ISSUER, sub, issuedBefore: service.time.nowMs / 1000 })).ok).toBe(true);
    expect((await service.redeem(other)).body.error).toBe('invalid_request');
  });

  test('D7: a person who was taken back while the Txn-Token was still good: a voucher for it, or for its replacement, is worth nothing', async () => {
    const service = await startVoucherService({}, { revocation: { log: { memory: true } } });
    const token = await service.token();
    service.time.nowMs += 10_000;
    const revoked = await fetch(`http://127.0.0.1:${service.controlPort}/revocations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        expiresInSeconds: 86_400,
        issuer: ISSUER,
        sub: claimsOf(token).sub,
        issuedBefore: service.time.nowMs / 1000,
      }),
    });
    expect(revoked.ok).toBe(true);
    service.time.nowMs += 10_000;
    const replaced = await service.exchange({ subject_token: token, subject_token_type: TYPE('txn_token'), scope: 'read' });
    for (const held of [token, replaced.body.access_token as string]) {
      const voucher = (await service.issue(held)).body.access_token as string;
      expect((await service.redeem(voucher)).body.error).toBe('invalid_request');
    }
    // Whoever has come back since is somebody else to it.
    const iat = Math.floor(service.time.nowMs / 1000);
    const again = (await service.issue(await service.token({ iat }))).body.access_token as string;
    expect((await service.redeem(again)).status).toBe(200);
  });

  test('RFC 7009: a voucher is taken back by who asked for it, and by no other; it is worth nothing then', async () => {
    const clients = [ORDERS, { ...WORKER, grants: ['exchange', 'revoke'] }];
    const service = await startVoucherService({}, { revocation: { log: { memory: true } } }, clients);
    const voucher = await voucherOf(service);
    expect((await service.post('/revoke', { token: voucher }, basic('worker'))).body.error).toBe('unauthorized_client');
    expect((await service.redeem(voucher)).status).toBe(200);
    expect((await service.post('/revoke', { token: voucher })).status).toBe(200);
    expect((await service.redeem(voucher)).body.error).toBe('invalid_request');
    expect((await service.post('/revoke', { token: voucher })).status).toBe(200);
    const without = await startTestTokenService({ revocation: { log: { memory: true } } });
    expect((await without.post('/revoke', { token: voucher })).status).toBe(200);
  });

  test('configurations', () => {
    const issuer = createTestIssuer();
    const configOf = (section: object): unknown =>
      createConfig({
        issuers: [issuer.entry],
        txnToken: { trustDomain: DOMAIN },
        tokenService: {
          issuer: TTS,
          clients: [{ id: 'orders', method: 'client_secret_basic', secretFile: 'x' }],
          replay: { sqlite: 'replay.db' },
          ...section,
        },
      });
    const topics = { orders: { producers: ['orders'], consumers: ['orders'] } };
    expect(configOf({ vouchers: { topics } })).toBeDefined();
    const wrong: [object, RegExp][] = [
      [{ vouchers: { topics }, replay: undefined }, /needs tokenService\.replay/],
      [{ vouchers: { topics: {} } }, /topics: must not be empty/],
      [{ vouchers: { topics: { orders: { producers: ['orders'], consumers: ['x'] } } } }, /consumers.*is not one of/],
      [{ vouchers: { topics, maxAgeSeconds: 604_801 } }, /at most 604800/],
      [{ vouchers: { topics, maxRedemptions: 0 } }, /at least 1/],
    ];
    for (const [section, reason] of wrong) expect(() => configOf(section)).toThrow(reason);
  });
});

test('a voucher is redeemed hours later, when its Txn-Token has long expired; only narrower', async () => {
  const service = await startVoucherService();
  const first = claimsOf(await service.token());
  const voucher = await voucherOf(service, { topic: 'narrow' });
  service.time.nowMs += 5 * HOUR_MS;
  const { body } = await service.redeem(voucher, { topic: 'narrow' });
  expect(body).toMatchObject({ issued_token_type: TYPE('txn_token'), scope: 'read' });
  expect(claimsOf(body.access_token as string)).toMatchObject({
    sub: first.sub,
    req_wl: 'worker',
    req_wl_chain: ['orders', 'orders'],
  });
  expect((await service.post('/introspect', { token: body.access_token as string })).body.active).toBe(true);
  expect(await service.metrics()).toContain('watchword_token_service_issued_total{kind="voucher"} 1');
});

test('createVoucherClient: 200 messages in few calls, each with a voucher of its own; errors tell tokens from outages', async () => {
  const service = await startVoucherService();
  const clientOf = (clientId: string) =>
    createVoucherClient({
      endpoint: `${service.origin}/batch/exchange`,
      audience: DOMAIN,
      credentials: { clientId, secret: SECRET },
    });
  const [producer, consumer] = [clientOf('orders'), clientOf('worker')];
  const txnToken = await service.token();
  const issued = await Promise.all(Array.from({ length: 200 }, () => producer.issue({ txnToken, topic: 'orders' })));
  expect(new Set(issued).size).toBe(200);
  expect(producer.stats().calls).toBeLessThanOrEqual(3);
  const redeemed = await Promise.all(issued.map((voucher) => consumer.redeem({ voucher, topic: 'orders' })));
  expect(redeemed.every((token) => claimsOf(token).sub === claimsOf(txnToken).sub)).toBe(true);

  await expect(consumer.redeem({ voucher: txnToken, topic: 'orders' })).rejects.toMatchObject({ code: 'voucher_refused' });
  await expect(consumer.redeem({ voucher: 'not a token', topic: 'orders' })).rejects.toMatchObject({ code: 'token_malformed' });
  // Not the message's fault: a worker that is not registered for the topic.
  await expect(producer.redeem({ voucher: issued[0]!, topic: 'orders' })).rejects.toMatchObject({ code: 'mint_failed' });
  await service.close();
  await expect(consumer.redeem({ voucher: issued[0]!, topic: 'orders' })).rejects.toMatchObject({ code: 'upstream_unavailable' });
});
