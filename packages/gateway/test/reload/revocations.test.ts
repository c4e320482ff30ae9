import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { startReloadingEdge } from '../support/reloading.ts';
import { byJti } from '../support/revoking.ts';
import { answerOk, startUpstream } from '../support/upstream.ts';

const REVOKED = { jti: 'id-1' };

async function startWith(revocation: object) {
  const upstream = await startUpstream((request, response) => {
    if (request.url !== '/api/stream') return answerOk(request, response);
    response.write('one');
  });
  const edge = await startReloadingEdge(upstream.url, { revocation });
  const revoke = async (jti: string): Promise<number> => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify(byJti(jti));
    return (await fetch(`${edge.control}/revocations`, { method: 'POST', headers, body })).status;
  };
  const call = (claims: object): Promise<number> => edge.get('/api/x', { authorization: `Bearer ${edge.issuer.token(claims)}` });
  return { edge, revoke, call };
}

describe('S19, D7: what was revoked stays revoked under the next configuration', () => {
  test('a log in memory, and a route more, or another freshness', async () => {
    const { edge, revoke, call } = await startWith({ log: { memory: true } });
    expect(await revoke('id-1')).toBe(201);
    expect(await call(REVOKED)).toBe(401);
    edge.write({ routes: [...(edge.first.routes as object[]), { path: '/more', upstream: 'main' }] });
    await edge.reload();
    expect(await call(REVOKED)).toBe(401);
    edge.write({ revocation: { log: { memory: true }, staleAfterMs: 1000 } });
    await edge.reload();
    expect(await call(REVOKED)).toBe(401);
    expect(await call({ jti: 'id-2' })).toBe(200);
  });

  test('another log: from memory to a file, which gets what it lacks', async () => {
    const { edge, revoke, call } = await startWith({ log: { memory: true } });
    expect(await revoke('id-1')).toBe(201);
    const revocation = { log: { sqlite: join(edge.directory, 'revocations.db') } };
    edge.write({ revocation });
    await edge.reload();
    expect(await call(REVOKED)).toBe(401);
    expect(await call({ jti: 'id-2' })).toBe(200);
    const other = await startWith(revocation);
    await vi.waitFor(async () => expect(await other.call(REVOKED)).toBe(401), { timeout: 30_000 });
    expect(await other.call({ jti: 'id-2' })).toBe(200);
  });

  test('what a server that was not there never got: "tried again until it is stored" outlives the reload that says where it is', async () => {
    // Nobody listens at port 1.
    const { edge, revoke, call } = await startWith({ log: { redis: 'redis://127.0.0.1:1' }, whenStale: 'accept' });
    expect(await revoke('id-1')).toBe(503);
    edge.write({ revocation: { log: { sqlite: join(edge.directory, 'revocations.db') } } });
    await edge.reload();
    expect(await call({ jti: 'id-2' })).toBe(200);
    expect(await call(REVOKED)).toBe(401);
  });

  test('back to the log of before, under which a stream still runs: it has not ended, and gets what it lacks', async () => {
    const { edge, revoke, call } = await startWith({ log: { memory: true } });
    const authorization = `Bearer ${edge.issuer.token({ jti: 'id-3' })}`;
    const stream = await fetch(`${edge.url}/api/stream`, { headers: { authorization } });
    edge.write({ revocation: { log: { sqlite: join(edge.directory, 'revocations.db') } } });
    await edge.reload();
    expect(await call(REVOKED)).toBe(200);
    expect(await revoke('id-1')).toBe(201);
    expect(await call(REVOKED)).toBe(401);
    edge.write();
    await edge.reload();
    expect(await call(REVOKED)).toBe(401);
    expect(await call({ jti: 'id-2' })).toBe(200);
    await stream.body!.cancel();
  });

  test('a stream that began under another log ends when its token is revoked', async () => {
    const { edge, revoke } = await startWith({ log: { memory: true } });
    const authorization = `Bearer ${edge.issuer.token(REVOKED)}`;
    const stream = await fetch(`${edge.url}/api/stream`, { headers: { authorization } });
    edge.write({ revocation: { log: { sqlite: join(edge.directory, 'revocations.db') } } });
    await edge.reload();
    expect(await revoke('id-1')).toBe(201);
    await expect(stream.text()).rejects.toThrow('terminated');
  });
});
