/** The exchange client of @watchword/fetch against a running token service. */
import { createExchangeClient } from '@watchword/fetch';
import { expect, test } from 'vitest';
import { DOMAIN, SECRET, assertion, claimsOf, startTestTokenService } from '../support/token-service.ts';

test('300 exchanges of 100 users at a time: few calls, everybody gets their own; a bad one fails alone', async () => {
  const service = await startTestTokenService();
  const client = createExchangeClient({
    endpoint: `${service.origin}/batch/exchange`,
    audience: DOMAIN,
    credentials: { clientId: 'orders', secret: SECRET },
  });
  const users = Array.from({ length: 100 }, (_, index) => service.issuer.token({ sub: `user-${index}` }));
  const asked = Array.from({ length: 300 }, (_, index) =>
    client.exchange({ subjectToken: users[index % 100]!, scope: index < 200 ? 'read' : 'write' }),
  );
  const bad = client.exchange({ subjectToken: 'junk', scope: 'read' });
  await expect(bad).rejects.toMatchObject({ error: 'invalid_request' });
  const tokens = await Promise.all(asked);
  expect(tokens.map(({ token }) => claimsOf(token).sub)).toEqual(asked.map((_, index) => `user-${index % 100}`));
  expect(tokens.every(({ token, expiresAtMs }) => expiresAtMs <= (claimsOf(token).exp as number) * 1000 + 1000)).toBe(true);
  const { calls, sent, shared } = client.stats();
  expect([sent, shared]).toEqual([201, 100]);
  expect(calls).toBeLessThanOrEqual(3);
});

test('with client assertions, and replacements that narrow', async () => {
  const service = await startTestTokenService();
  const client = createExchangeClient({
    endpoint: `${service.origin}/batch/exchange`,
    audience: DOMAIN,
    credentials: { clientId: 'signer', assertion: () => assertion(service.clientKey).client_assertion! },
  });
  const first = await client.exchange({ subjectToken: service.issuer.token(), scope: 'read write' });
  const second = await client.exchange({ subjectToken: first.token, subjectTokenType: 'txn_token', scope: 'read' });
  expect(claimsOf(second.token)).toMatchObject({ txn: claimsOf(first.token).txn, scope: 'read', req_wl_chain: ['billing'] });
  const wider = client.exchange({ subjectToken: second.token, subjectTokenType: 'txn_token', scope: 'write' });
  await expect(wider).rejects.toMatchObject({ code: 'scope_insufficient' });
});

test('a service that is gone', async () => {
  const service = await startTestTokenService();
  const client = createExchangeClient({
    endpoint: `${service.origin}/batch/exchange`,
    audience: DOMAIN,
    credentials: { clientId: 'orders', secret: SECRET },
  });
  await service.close();
  await expect(client.exchange({ subjectToken: 'a.b.c', scope: 'read' })).rejects.toMatchObject({ code: 'upstream_unavailable' });
});
