/** `POST /token` (RFC 8693, Txn-Tokens section 11): who is refused, what is issued. */
import { generateSigningKey, signJws } from '@watchword/core';
import { describe, expect, test } from 'vitest';
import { ISSUER } from '../support/identity-provider.ts';
import {
  DOMAIN,
  GRANT,
  ORDERS,
  SIGNER,
  SECRET,
  TTS,
  TYPE,
  assertion,
  basic,
  claimsOf,
  exchangeForm,
  startTestTokenService,
} from '../support/token-service.ts';

describe('refusals of requests', async () => {
  const REFUSED: [name: string, changes: Record<string, string | undefined>, error: string][] = [
    ['no grant_type', { grant_type: undefined }, 'invalid_request'],
    ['another grant', { grant_type: 'client_credentials' }, 'unsupported_grant_type'],
    ['no requested_token_type', { requested_token_type: undefined }, 'invalid_request'],
    ['an access token wanted', { requested_token_type: TYPE('access_token') }, 'invalid_request'],
    ['the name of older drafts', { requested_token_type: TYPE('txn-token') }, 'invalid_request'],
    ['no subject_token', { subject_token: undefined }, 'invalid_request'],
    ['an empty subject_token', { subject_token: '' }, 'invalid_request'],
    ['no subject_token_type', { subject_token_type: undefined }, 'invalid_request'],
    ['TT-11: a refresh token', { subject_token_type: TYPE('refresh_token') }, 'invalid_request'],
    ['TT-13: unsigned JSON', { subject_token: '{"sub":"user-1"}', subject_token_type: TYPE('unsigned_json') }, 'invalid_request'],
    ['SAML', { subject_token_type: TYPE('saml2') }, 'invalid_request'],
    ['TE-3: an access token called Txn-Token', { subject_token_type: TYPE('txn_token') }, 'invalid_request'],
    ['a token that is junk', { subject_token: 'junk' }, 'invalid_request'],
    ['no audience', { audience: undefined }, 'invalid_request'],
    ['TT-19: another audience', { audience: 'other.example' }, 'invalid_target'],
    ['a resource', { resource: 'https://api.example' }, 'invalid_target'],
    ['no scope', { scope: undefined }, 'invalid_scope'],
    ['a malformed scope', { scope: 'read  write' }, 'invalid_scope'],
    ['TT-17: more than the token grants', { scope: 'read admin' }, 'invalid_scope'],
    ['TT-14: an actor', { actor_token: 'x', actor_token_type: TYPE('jwt') }, 'invalid_request'],
    ['TE-1: the type of an actor that is not there', { actor_token_type: TYPE('jwt') }, 'invalid_request'],
    ['request_context that is no object', { request_context: '[1]' }, 'invalid_request'],
    ['request_context with a name twice (B8)', { request_context: '{"ip":1,"ip":2}' }, 'invalid_request'],
    ['TT-18: a context member that the client may not assert', { request_context: '{"role":"x"}' }, 'invalid_request'],
    ['request_details that is too long', { request_details: `{"order":"${'x'.repeat(1100)}"}` }, 'invalid_request'],
  ];
  test('each with its error, never cached (TT-23)', async () => {
    const service = await startTestTokenService();
    for (const [name, changes, error] of REFUSED) {
      const answer = await service.exchange(changes);
      expect([name, answer.status, answer.body.error]).toEqual([name, 400, error]);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(Object.keys(answer.body)).toEqual(['error', 'error_description']);
    }
    expect(await service.metrics()).toContain(
      'watchword_token_service_refusals_total{endpoint="token",error="invalid_target"} 2',
    );
  });

  test('subject tokens: expired, of a stranger, bound, for others to act with; no value of them in any log', async () => {
    const service = await startTestTokenService();
    const now = Math.floor(Date.now() / 1000);
    const { issuer } = service;
    const stranger = signJws(Buffer.from(JSON.stringify({ iss: ISSUER })), { typ: 'at+jwt' }, generateSigningKey('ES256', 'k1'));
    const tokens = [
      issuer.token({ exp: now - 60 }),
      issuer.token({ aud: 'https://other.example' }),
      issuer.token({ cnf: { jkt: 'x' } }),
      issuer.token({ may_act: { sub: 'somebody-else' } }),
      issuer.token({ may_act: 'orders' }),
      issuer.token({}, { typ: 'txntoken+jwt' }),
      stranger,
    ];
    for (const token of tokens) {
      const { status, body } = await service.exchange({ subject_token: token });
      expect([status, body.error, body.error_description]).toEqual([
        400,
        'invalid_request',
        'The subject token was not accepted',
      ]);
    }
    // TT-17: a scope that nobody knows is not everything.
    expect((await service.exchange({ subject_token: issuer.token({ scope: undefined }) })).body.error).toBe('invalid_scope');
    const text = JSON.stringify(service.logs);
    for (const secret of [SECRET, ...tokens.map((token) => token.split('.')[1]!), 'user-1', 'somebody-else'])
      expect(text).not.toContain(secret);
  });

  test('WI-7: whoever asks about a bound token is told that it is none to be borne (RFC 9449 section 6.2)', async () => {
    const service = await startTestTokenService();
    const asked = async (claims: object): Promise<unknown> =>
      (await service.post('/introspect', { token: service.issuer.token(claims) })).body;
    expect(await asked({})).toMatchObject({ active: true, token_type: 'Bearer' });
    expect(await asked({ cnf: { jkt: 'x' } })).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: 'x' } });
    expect(await asked({ cnf: { 'x5t#S256': 'x' } })).toMatchObject({ token_type: 'Bearer', cnf: { 'x5t#S256': 'x' } });
  });

  test('TE-8: who may act does', async () => {
    const service = await startTestTokenService();
    const token = service.issuer.token({ may_act: { sub: 'orders' } });
    expect((await service.exchange({ subject_token: token })).status).toBe(200);
  });

  test('a revoked subject token', async () => {
    const service = await startTestTokenService(
      { revocation: { log: { memory: true } } },
      {},
      {
        clients: [{ ...ORDERS, grants: ['exchange', 'revoke-any'] }, SIGNER],
      },
    );
    const token = service.issuer.token({ jti: 'gone' });
    expect((await service.exchange({ subject_token: token })).status).toBe(200);
    expect((await service.post('/revoke', { token })).status).toBe(200);
    expect((await service.exchange({ subject_token: token })).body.error).toBe('invalid_request');
  });

  test('what a client may not do', async () => {
    const service = await startTestTokenService(
      { revocation: { log: { memory: true } } },
      {},
      {
        clients: [
          { ...ORDERS, grants: ['exchange'], scopes: ['read'] },
          { ...SIGNER, grants: ['replace', 'revoke'] },
        ],
      },
    );
    const first = (await service.exchange()).body.access_token as string;
    expect((await service.exchange({ scope: 'write' })).body.error).toBe('invalid_scope');
    const again = { subject_token: first, subject_token_type: TYPE('txn_token') };
    expect((await service.exchange(again)).body.error).toBe('unauthorized_client');
    expect((await service.post('/introspect', { token: first })).body.error).toBe('unauthorized_client');
    expect((await service.post('/revoke', { token: first })).body.error).toBe('unauthorized_client');
    const bySigner = (): Record<string, string> => assertion(service.clientKey);
    expect((await service.post('/token', { ...exchangeForm(service.issuer.token()), ...bySigner() }, {})).body.error).toBe(
      'unauthorized_client',
    );
    // RFC 7009 section 2.1: not its own.
    expect((await service.post('/revoke', { token: first, ...bySigner() }, {})).body.error).toBe('unauthorized_client');
    const external = service.issuer.token();
    expect((await service.post('/revoke', { token: external, ...bySigner() }, {})).body.error).toBe('unauthorized_client');
    expect((await service.post('/batch/verify', {})).body.error).toBe('invalid_request');
    expect((await service.batch('/batch/verify', { tokens: [] })).body.error).toBe('unauthorized_client');
  });
});

describe('hostile forms', () => {
  test('TE-10: duplicates, encodings, sizes, types, queries', async () => {
    const service = await startTestTokenService();
    const good = String(new URLSearchParams(exchangeForm(service.issuer.token())));
    for (const form of [
      `${good}&scope=read`,
      `${good}&scope=`,
      `${good}&sc%6fpe=read`,
      `${good}&subject_token=x`,
      `${good}&x=%`,
      `${good}&x=%ff`,
      `${good}&x=%00`,
      `${good}&x=1=2`,
      `${good}${'&a=1'.repeat(70)}`,
      `${good}&client_id=other`,
    ]) {
      const { status, body } = await service.post('/token', form);
      expect([form.slice(good.length), status]).toEqual([form.slice(good.length), body.error === 'invalid_client' ? 401 : 400]);
    }
    // Two audiences are allowed by RFC 8693, and too many here (TE-2).
    expect((await service.post('/token', `${good}&audience=other`)).body.error).toBe('invalid_target');
    expect((await service.post('/token', `${good}&audience=${DOMAIN}`)).body.error).toBe('invalid_target');
    expect((await service.post('/token', `${good}&unknown=1`)).status).toBe(200);
    expect((await service.post('/token?client_id=orders', good)).status).toBe(400);
    expect((await service.post('/token', `x=${'y'.repeat(70_000)}`)).status).toBe(413);
    expect((await service.batch('/token', good)).status).toBe(400);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded; charset=latin1', '']) {
      const headers = { ...basic(), 'content-type': type };
      expect((await fetch(`${service.origin}/token`, { method: 'POST', headers, body: Buffer.from(good) })).status).toBe(400);
    }
    expect((await fetch(`${service.origin}/token`)).status).toBe(405);
    expect((await fetch(`${service.origin}/nothing`)).status).toBe(404);
    // Still there.
    expect((await service.exchange()).status).toBe(200);
  });
});

test('TT-22: what is issued, and to whom', async () => {
  const service = await startTestTokenService();
  const before = Math.floor(Date.now() / 1000);
  const { status, headers, body } = await service.exchange({
    request_context: '{"ip":"192.0.2.7"}',
    request_details: '{"order":{"id":7}}',
  });
  expect(status).toBe(200);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(Object.keys(body).toSorted()).toEqual(['access_token', 'expires_in', 'issued_token_type', 'scope', 'token_type']);
  expect(body).toMatchObject({ token_type: 'N_A', issued_token_type: TYPE('txn_token'), expires_in: 60, scope: 'read' });
  const claims = claimsOf(body.access_token);
  expect(claims).toMatchObject({
    aud: DOMAIN,
    sub: 'user-1',
    scope: 'read',
    req_wl: 'orders',
    rctx: { ip: '192.0.2.7' },
    tctx: { order: { id: 7 } },
  });
  expect(claims.iat).toBeGreaterThanOrEqual(before);
  // Each request gets a token of its own: one from a window could have been revoked meanwhile.
  expect(claimsOf((await service.exchange()).body.access_token).txn).not.toBe(
    claimsOf((await service.exchange()).body.access_token).txn,
  );
});

test('TT-24: replacements narrow, keep the transaction and name the chain', async () => {
  const service = await startTestTokenService({}, {}, { maxReplacements: 1 });
  const first = (await service.exchange({ scope: 'read write', request_details: '{"order":1}' })).body.access_token as string;
  const again = { subject_token: first, subject_token_type: TYPE('txn_token') };
  const bySigner = { ...exchangeForm(first), ...again, ...assertion(service.clientKey) };
  const second = (await service.post('/token', bySigner, {})).body.access_token as string;
  const [was, is] = [claimsOf(first), claimsOf(second)];
  expect(is).toMatchObject({
    txn: was.txn,
    sub: was.sub,
    aud: was.aud,
    tctx: was.tctx,
    scope: 'read',
    req_wl: 'billing',
    req_wl_chain: ['orders'],
  });
  expect(is.exp).toBeLessThanOrEqual(was.exp as number);
  const wider = { subject_token: second, subject_token_type: TYPE('txn_token'), scope: 'write' };
  expect((await service.exchange({ ...again, scope: 'admin' })).body.error).toBe('invalid_scope');
  expect((await service.exchange({ ...again, request_details: '{"order":2}' })).body.error).toBe('invalid_request');
  expect((await service.exchange(wider)).body.error).toMatch(/invalid_(scope|request)/);
  expect((await service.exchange({ ...wider, scope: 'read' })).body.error).toBe('invalid_request');
  // TT-28: a Txn-Token is no access token.
  expect((await service.exchange({ subject_token: first })).body.error).toBe('invalid_request');
});

test('TT-12: self-signed subject tokens, of those who may bring them', async () => {
  const service = await startTestTokenService();
  const now = Math.floor(Date.now() / 1000);
  const make = (changes: object = {}): string => {
    const claims = { iss: 'billing', sub: 'job-7', aud: TTS, iat: now, exp: now + 60, scope: 'read', ...changes };
    return signJws(Buffer.from(JSON.stringify(claims)), { typ: 'JWT' }, service.clientKey);
  };
  const ask = async (token: string, by: Record<string, string> = assertion(service.clientKey), headers = {}) =>
    service.post('/token', { ...exchangeForm(token), subject_token_type: TYPE('self_signed'), ...by }, headers);
  expect(claimsOf((await ask(make())).body.access_token)).toMatchObject({ sub: 'job-7', req_wl: 'billing', scope: 'read' });
  for (const changes of [
    { iss: 'orders' },
    { aud: 'x' },
    { sub: undefined },
    { iat: undefined },
    { exp: now - 60 },
    { iat: now - 400 },
  ]) {
    expect([changes, (await ask(make(changes))).body.error]).toEqual([changes, 'invalid_request']);
  }
  expect((await ask(make({ scope: undefined }))).body.error).toBe('invalid_scope');
  expect((await ask(make(), {}, basic())).body.error).toBe('unauthorized_client');
  expect(GRANT).toContain('token-exchange');
});
