/** Batches: many tokens in one call, a result for each; and what bounds the service. */
import { type ClientRequest, request } from 'node:http';
import { expect, test } from 'vitest';
import { signatureChecks } from '../../../core/test/support/signature-count.ts';
import { createBatchExchange } from '../../src/token-service/batch.ts';
import { AUDIENCE, ISSUER } from '../support/identity-provider.ts';
import { DOMAIN, type TestTokenService, TYPE, basic, claimsOf, startTestTokenService } from '../support/token-service.ts';
import { sendRaw } from '../support/raw.ts';

function item(token: string, changes: object = {}): object {
  return {
    subject_token: token,
    subject_token_type: TYPE('access_token'),
    requested_token_type: TYPE('txn_token'),
    audience: DOMAIN,
    scope: 'read',
    ...changes,
  };
}

interface Item {
  readonly access_token?: string;
  readonly error?: string;
  readonly active?: boolean;
  readonly sub?: string;
}

const BAD: unknown[] = [
  null,
  7,
  'text',
  [],
  {},
  item('junk'),
  item('junk', { scope: 5 }),
  item('junk', { audience: 'other' }),
  item('junk', { audience: [DOMAIN] }),
  item('junk', { unknown: 1 }),
  item('\ud800'),
  item('junk', { request_context: { role: 'x' } }),
  item('junk', { request_context: JSON.parse('{"__proto__":{"admin":true}}') }),
  item('junk', { subject_token_type: TYPE('refresh_token') }),
];

test('a batch of 1,000 with bad ones inside: each has its own result', async () => {
  const service = await startTestTokenService();
  const users = Array.from({ length: 100 }, (_, index) => service.issuer.token({ sub: `user-${index}`, jti: `t-${index}` }));
  const isBad = (index: number): boolean => index % 7 === 3;
  const requests = Array.from({ length: 1000 }, (_, index) =>
    isBad(index) ? BAD[index % BAD.length] : item(users[index % 100]!),
  );
  const { status, body } = await service.batch('/batch/exchange', { requests });
  expect(status).toBe(200);
  expect(body.results).toHaveLength(1000);
  for (const [index, result] of body.results.entries()) {
    if (isBad(index)) {
      expect(result).toMatchObject({ status: 400, error: expect.stringMatching(/^invalid_|^unauthorized/) });
      expect(result.access_token).toBeUndefined();
    } else {
      expect(claimsOf(result.access_token)).toMatchObject({ sub: `user-${index % 100}`, req_wl: 'orders', scope: 'read' });
    }
  }
  // Equal items were done once.
  expect(new Set(body.results.map((result: { access_token?: string }) => result.access_token)).size).toBeLessThanOrEqual(101);
  expect(await service.metrics()).toContain('watchword_token_service_batch_items_total 1000');
});

test('MQ-5: a voucher has its own result, whatever number stands beside it', async () => {
  const exchange = async (): Promise<never> => ({ access_token: 'a voucher' }) as never;
  const voucher = item('t', { requested_token_type: 'urn:watchword:token-type:txn_voucher' });
  const batch = createBatchExchange(exchange, 10);
  const { results } = await batch({ requests: [1, voucher, voucher, 1] }, undefined as never);
  expect(results.map((result) => 'access_token' in result)).toEqual([false, true, true, false]);
});

test('MQ-5: tokens of a batch are verified together: each once, good or bad, however many items bring it', async () => {
  const service = await startTestTokenService();
  const good = [1, 2].map((user) => service.issuer.token({ sub: `user-${user}`, jti: `together-${user}` }));
  const forged = good.map((token) => `${token.slice(0, -6)}${token.endsWith('AAAAAA') ? 'BBBBBB' : 'AAAAAA'}`);
  const tokens = [...good, ...forged];
  // Different items, so that each is done by itself: only the token is the same.
  const requests = Array.from({ length: 24 }, (_, index) =>
    item(tokens[index % 4]!, { request_context: { ip: `192.0.2.${index}` } }),
  );
  const exchanged = await signatureChecks(async () => {
    const { body } = await service.batch('/batch/exchange', { requests });
    expect(body.results.map(({ access_token: token, error }: Item) => (token ? claimsOf(token)['sub'] : error))).toEqual(
      requests.map((_, index) => ['user-1', 'user-2', 'invalid_request', 'invalid_request'][index % 4]),
    );
  });
  expect(exchanged).toBe(4);
  const fresh = [3, 4].map((user) => service.issuer.token({ sub: `user-${user}`, jti: `together-${user}` }));
  const verified = await signatureChecks(async () => {
    const { body } = await service.batch('/batch/verify', { tokens: [...fresh, ...tokens, ...fresh] });
    const answers = body.results.map(({ active, sub }: Item) => (active ? sub : active));
    expect(answers).toEqual(['user-3', 'user-4', 'user-1', 'user-2', false, false, 'user-3', 'user-4']);
  });
  // Those that are known, to be good or to be bad, are not checked again.
  expect(verified).toBe(2);
});

test('batch verification: both kinds, bad ones, an outage that is no verdict', async () => {
  const service = await startTestTokenService();
  const external = service.issuer.token();
  const txn = (await service.exchange()).body.access_token as string;
  const tokens = [external, 'junk', txn, 5, external, `${txn.slice(0, -4)}AAAA`];
  const { body } = await service.batch('/batch/verify', { tokens });
  expect(body.results.map(({ active, error }: { active?: boolean; error?: string }) => active ?? error)).toEqual([
    true,
    false,
    true,
    'invalid_request',
    true,
    false,
  ]);
  expect(body.results[0]).toMatchObject({ sub: 'user-1', token_type: 'Bearer' });
  expect(body.results[2]).toMatchObject({ txn: expect.any(String), req_wl: 'orders', token_type: 'N_A' });
  expect(Object.keys(body.results[1])).toEqual(['active']);
});

test('whoever cannot find out says so: no keys is 503, never "not active"', async () => {
  const fetch = (): Promise<Response> => Promise.reject(new Error('down'));
  const issuers = [
    {
      issuer: 'https://idp.example',
      audience: 'https://api.example',
      algorithms: ['ES256'],
      jwksUrl: 'https://idp.example/jwks',
    },
  ];
  const service = await startTestTokenService({ issuers }, { fetch });
  const token = service.issuer.token();
  for (const path of ['/introspect']) {
    const { status, body, headers } = await service.post(path, { token });
    expect([status, body.error, headers.get('retry-after')]).toEqual([503, 'temporarily_unavailable', '1']);
  }
  expect((await service.exchange({ subject_token: token })).status).toBe(503);
  const { body } = await service.batch('/batch/verify', { tokens: [token, 'junk'] });
  expect(body.results).toEqual([expect.objectContaining({ status: 503 }), { active: false }]);
});

test('batches as a whole that are refused', async () => {
  const service = await startTestTokenService({}, {}, { limits: { batchItems: 3, batchBytes: 2048 } });
  for (const [body, status] of [
    ['', 400],
    ['[]', 400],
    ['{"requests":{}}', 400],
    ['{"requests":[1,2,3,4]}', 400],
    [`{"requests":["${'x'.repeat(3000)}"]}`, 413],
    ['{"requests":[],"client_id":5}', 400],
  ] as const) {
    expect([body.slice(0, 20), (await service.batch('/batch/exchange', body)).status]).toEqual([body.slice(0, 20), status]);
  }
  expect((await service.batch('/batch/exchange', { requests: [] }, {})).status).toBe(401);
  expect((await service.post('/batch/exchange', 'a=b')).status).toBe(400);
  expect((await service.batch('/batch/exchange', { requests: [] })).body).toEqual({ results: [] });
});

test('concurrency: one request too many is 503, and a place that is free again serves', async () => {
  const keys = Promise.withResolvers<Response>();
  const issuers = [{ issuer: ISSUER, audience: AUDIENCE, algorithms: ['ES256'], jwksUrl: `${ISSUER}/jwks` }];
  const service = await startTestTokenService({ issuers }, { fetch: () => keys.promise }, { limits: { concurrent: 2 } });
  const waiting = [service.exchange(), service.exchange()];
  await until(async () => (await service.metrics()).includes('watchword_token_service_running 2'));
  const { status, body, headers } = await service.exchange();
  expect([status, body.error, headers.get('retry-after')]).toEqual([503, 'temporarily_unavailable', '1']);
  keys.resolve(Response.json(service.issuer.jwks()));
  expect((await Promise.all(waiting)).map((answer) => answer.status)).toEqual([200, 200]);
  expect(await service.metrics()).toContain('watchword_token_service_running 0');
  expect((await service.exchange()).status).toBe(200);
});

test('F10: bodies that do not come to an end, from strangers too, take no place; too much of them, and the oldest goes', async () => {
  const service = await startTestTokenService({}, {}, { limits: { concurrent: 2, batchBytes: 65_536 } });
  const slow = await Promise.all(Array.from({ length: 20 }, () => slowRequest(service, 1)));
  for (let times = 0; times < 3; times += 1) expect((await service.exchange()).status).toBe(200);
  // 256 KiB for all of them.
  const large: Awaited<ReturnType<typeof slowRequest>>[] = [];
  for (let count = 0; count < 4; count += 1) large.push(await slowRequest(service, 65_000));
  expect((await service.exchange()).status).toBe(200);
  large.push(await slowRequest(service, 65_000));
  await until(async () => slow[0]!.destroyed || slow[0]!.closed);
  expect((await service.exchange()).status).toBe(200);
  for (const one of [...slow, ...large]) one.destroy();
});

test('100 exchanges at a time: everybody gets their own', async () => {
  const service = await startTestTokenService();
  const subjects = Array.from({ length: 100 }, (_, index) => `user-${index}`);
  const answers = await Promise.all(subjects.map((sub) => service.exchange({ subject_token: service.issuer.token({ sub }) })));
  expect(answers.map(({ body }) => claimsOf(body.access_token).sub)).toEqual(subjects);
});

test('raw: two Authorization headers, a body that is too long without saying so', async () => {
  const service = await startTestTokenService();
  const port = service.tokenServicePort!;
  const { authorization } = basic();
  const head = ['POST /introspect HTTP/1.1', 'Host: x', 'Connection: close', 'Content-Type: application/x-www-form-urlencoded'];
  const twice = [
    ...head,
    `Authorization: ${authorization}`,
    `Authorization: ${authorization}`,
    'Content-Length: 7',
    '',
    'token=x',
  ];
  expect((await sendRaw(port, twice.join('\r\n'))).status).toBe(400);
  const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
  const long = [...head, `Authorization: ${authorization}`, 'Transfer-Encoding: chunked', '', chunk.repeat(5)];
  expect((await sendRaw(port, `${long.join('\r\n')}0\r\n\r\n`)).status).toBe(413);
});

async function slowRequest({ tokenServicePort }: TestTokenService, bytes: number): Promise<ClientRequest> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': bytes + 1 };
  const sent = request({ host: '127.0.0.1', port: tokenServicePort, path: '/token', method: 'POST', headers, agent: false });
  sent.on('error', () => {});
  await new Promise<void>((resolve) => sent.write('a'.repeat(bytes), () => resolve()));
  return sent;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('It never came to be');
}
