import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { RedisServer, hasRedis } from '../../../redis/test/support/redis-server.ts';
import { createConfig, startGateway } from '../../src/index.ts';
import { createTestIssuer, temporaryDirectory } from '../support/identity-provider.ts';
import { byJti, startRevokingEdge } from '../support/revoking.ts';

describe('a log in SQLite', () => {
  test('E13: one that cannot be opened stops start-up at the setting', async () => {
    const config = (sqlite: string) =>
      createConfig({
        listen: { port: 0 },
        control: { port: 0 },
        issuers: [createTestIssuer().entry],
        txnToken: { trustDomain: 't' },
        revocation: { log: { sqlite } },
        upstreams: { main: { url: 'http://127.0.0.1:1' } },
        routes: [{ path: '/*', upstream: 'main' }],
        log: { level: 'silent' },
      });
    await expect(startGateway(config('/nonexistent/log.db'))).rejects.toThrow('revocation.log.sqlite: cannot be opened');
    await expect(startGateway(config(temporaryDirectory()))).rejects.toThrow('revocation.log.sqlite: cannot be opened');
  });

  test('D7: what was revoked before a restart is refused from the first request on', async () => {
    const sqlite = join(temporaryDirectory(), 'revocations.db');
    const first = await startRevokingEdge({ sqlite });
    const revoked = (edge: typeof first): string => edge.issuer.token({ jti: 'id-1' });
    expect(await first.call(revoked(first))).toBe(200);
    expect((await first.revoke(byJti('id-1'))).status).toBe(201);
    expect(await first.call(revoked(first))).toBe(401);
    await first.close();
    const second = await startRevokingEdge({ sqlite });
    expect(await second.call(revoked(second))).toBe(401);
    expect(await second.call(second.issuer.token({ jti: 'id-2' }))).toBe(200);
  });

  test('D7: two gateways over one file', async () => {
    const sqlite = join(temporaryDirectory(), 'revocations.db');
    const [one, other] = [await startRevokingEdge({ sqlite }), await startRevokingEdge({ sqlite })];
    const token = other.issuer.token({ jti: 'id-1' });
    expect(await other.call(token)).toBe(200);
    await one.revoke(byJti('id-1'));
    await vi.waitFor(async () => expect(await other.call(token)).toBe(401));
  });
});

describe.skipIf(!hasRedis)('a log in Redis (needs redis-server)', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
    return () => server.destroy();
  });
  const log = (prefix: string): object => ({ redis: server.url, prefix });

  test('D7: two gateways over one Redis: revoked at one, refused at the other', async () => {
    const [one, other] = [await startRevokingEdge(log('two')), await startRevokingEdge(log('two'))];
    const [token, good] = [other.issuer.token({ jti: 'id-1' }), other.issuer.token({ jti: 'id-2' })];
    expect(await other.call(token)).toBe(200);
    expect((await one.revoke(byJti('id-1'))).status).toBe(201);
    await vi.waitFor(async () => expect(await other.call(token)).toBe(401), { interval: 5 });
    expect(await other.call(good)).toBe(200);
    await other.close();
    const third = await startRevokingEdge(log('two'));
    expect(await third.call(third.issuer.token({ jti: 'id-1' }))).toBe(401);
  });

  test('D10: a frozen Redis: 503 where a route refuses what is stale, 200 where it accepts, until it is back', async () => {
    const frozen = await RedisServer.start();
    onTestFinished(() => frozen.destroy());
    let aheadMs = 0;
    const clock = (): number => Date.now() + aheadMs;
    const edge = await startRevokingEdge({ redis: frozen.url }, {}, { clock });
    const [good, revoked] = [edge.issuer.token({ jti: 'id-1' }), edge.issuer.token({ jti: 'id-2' })];
    await edge.revoke(byJti('id-2'));
    expect([await edge.call(good), await edge.call(good, '/lenient/x'), await edge.call(revoked)]).toEqual([200, 200, 401]);
    frozen.freeze();
    aheadMs = 10_000;
    const refused = await fetch(`${edge.url}/strict/x`, { headers: { authorization: `Bearer ${good}` } });
    expect([refused.status, refused.headers.get('retry-after'), refused.headers.get('cache-control')]).toEqual([
      503,
      '1',
      'no-store',
    ]);
    expect(await edge.call(good, '/lenient/x')).toBe(200);
    // What is known stays known, also where a route is lenient.
    expect(await edge.call(revoked, '/lenient/x')).toBe(401);
    expect(await edge.call('', '/public/x')).toBe(200);
    // In force at once in this process, and owed to the log.
    expect((await edge.revoke(byJti('id-1'))).status).toBe(503);
    expect(await edge.call(good, '/lenient/x')).toBe(401);
    const metrics = await edge.metrics();
    expect(metrics).toContain('watchword_refusals_total{code="revocation_unavailable"} 1\n');
    expect(metrics).toContain('watchword_revocation_stale_accepted_total 1\n');
    expect(metrics).toContain('watchword_revocation_owed 1\n');
    expect(Number(/^watchword_revocation_lag_seconds (\S+)$/m.exec(metrics)![1])).toBeGreaterThan(9);
    await vi.waitFor(() => expect(edge.logs.map(({ msg }) => msg)).toContain('revocations cannot be read'), { timeout: 15_000 });
    frozen.thaw();
    const other = edge.issuer.token({ jti: 'id-3' });
    await vi.waitFor(async () => expect(await edge.call(other)).toBe(200), { timeout: 15_000 });
    await vi.waitFor(async () => expect(await edge.metrics()).toContain('watchword_revocation_owed 0\n'), { timeout: 15_000 });
    await vi.waitFor(() => expect(edge.logs.at(-1)!.msg).toBe('revocations can be read again'));
    expect(edge.logs.filter(({ msg }) => String(msg).startsWith('revocations can')).map(({ msg }) => msg)).toEqual([
      'revocations cannot be read',
      'revocations can be read again',
    ]);
  });

  test('never open by failure: before the first snapshot lenient routes refuse too, and /readyz says why', async () => {
    const late = await RedisServer.start();
    onTestFinished(() => late.destroy());
    await late.kill();
    const edge = await startRevokingEdge({ redis: late.url });
    const token = edge.issuer.token();
    const readiness = await fetch(`${edge.control}/readyz`);
    expect([readiness.status, await readiness.json()]).toEqual([503, { status: 'revocations_unavailable' }]);
    expect([await edge.call(token), await edge.call(token, '/lenient/x'), await edge.call('', '/public/x')]).toEqual([
      503, 503, 200,
    ]);
    expect(edge.logs.find(({ msg }) => msg === 'revocations cannot be read')).toMatchObject({ reason: 'ECONNREFUSED' });
    await late.restart();
    await vi.waitFor(async () => expect((await fetch(`${edge.control}/readyz`)).status).toBe(200), { timeout: 15_000 });
    expect([await edge.call(token), await edge.call(token, '/lenient/x')]).toEqual([200, 200]);
  });

  test('E12: the password comes from a file, works with any character, and appears nowhere', async () => {
    const password = 'CANARY7f3a p@ss:w/rd?#%41';
    const passwordFile = join(temporaryDirectory(), 'password');
    writeFileSync(passwordFile, `${password}\n`);
    const locked = await RedisServer.start();
    onTestFinished(() => locked.destroy());
    await command(locked.port, ['CONFIG', 'SET', 'requirepass', password]);
    const edge = await startRevokingEdge({ redis: locked.url, passwordFile });
    expect((await edge.revoke(byJti('id-1'))).status).toBe(201);
    writeFileSync(passwordFile, 'CANARY7f3a wrong');
    const wrong = await startRevokingEdge({ redis: locked.url, passwordFile });
    expect(await wrong.call(wrong.issuer.token())).toBe(503);
    expect((await wrong.revoke(byJti('id-1'))).status).toBe(503);
    expect(wrong.logs.find(({ msg }) => msg === 'revocations cannot be read')).toMatchObject({ reason: 'WRONGPASS' });
    const output = JSON.stringify([...edge.logs, ...wrong.logs]) + (await edge.metrics()) + (await wrong.metrics());
    expect(output).not.toContain('CANARY7f3a');
    expect(readFileSync(passwordFile, 'utf8')).toContain('CANARY7f3a');
  });
});

test('E13: a password file that cannot be read, or is empty, stops start-up', async () => {
  const empty = join(temporaryDirectory(), 'password');
  writeFileSync(empty, '\n');
  const redis = 'redis://127.0.0.1:1';
  await expect(startRevokingEdge({ redis, passwordFile: '/nonexistent' })).rejects.toThrow(
    'revocation.log.passwordFile: cannot be read (ENOENT)',
  );
  await expect(startRevokingEdge({ redis, passwordFile: empty })).rejects.toThrow('revocation.log.passwordFile: is empty');
});

async function command(port: number, words: readonly string[]): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  expect(answer.toString()).toBe('+OK\r\n');
}
