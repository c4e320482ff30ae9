import { readdirSync, readlinkSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { generateSigningKey } from '@watchword/core';
import { expect, test } from 'vitest';
import { composeGateway } from '../../src/compose.ts';
import { createConfig, createLogger } from '../../src/index.ts';
import { createTestIssuer, temporaryDirectory } from '../support/identity-provider.ts';
import { startReloadingEdge } from '../support/reloading.ts';
import { startRotatingIssuer } from '../support/threads.ts';
import { startUpstream } from '../support/upstream.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

test('200 reloads that change everything leave nothing behind: memory, sockets, timers, SQLite files', async () => {
  const [one, two] = [await startUpstream(), await startUpstream()];
  const key = generateSigningKey('ES256', 'k1');
  const issuers = [await startRotatingIssuer(key), await startRotatingIssuer(key)];
  const directory = temporaryDirectory();
  const edge = await startReloadingEdge(one.url, { issuers: [issuers[0]!.entry] });
  const reload = async (round: number): Promise<void> => {
    const issuer = issuers[round % 2]!;
    edge.write({
      issuers: [{ ...(issuer.entry as object), retentionSeconds: round, toleranceSeconds: round }],
      upstreams: { main: { url: round % 2 === 0 ? one.url : two.url, connections: 8 + round } },
      cache: { maxEntries: 100 + round },
      txnToken: { trustDomain: 'inside.example', algorithm: round % 2 === 0 ? 'ES256' : 'EdDSA', lifetimeSeconds: 5 },
      revocation: { log: { sqlite: `${directory}/log-${round}.db` }, staleAfterMs: 1000 + round },
    });
    await edge.reload();
    expect(await edge.get('/api/x', issuer.bearer(key))).toBe(200);
  };
  // Caches of Node and of the libraries fill up first.
  for (let round = 0; round < 40; round += 1) await reload(round);
  const before = await holdings(directory);
  for (let round = 40; round < 240; round += 1) await reload(round);
  const after = await holdings(directory);
  expect(after.resources).toBeLessThanOrEqual(before.resources + 4);
  expect(after.sqliteFiles).toBeLessThanOrEqual(before.sqliteFiles);
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 4);
  // 200 compositions of about 100 KB each would be 20 MB.
  expect(after.heapBytes - before.heapBytes).toBeLessThan(6_000_000);
}, 60_000);

test('what two configurations share is there once, and gone with the last of them', async () => {
  const issuer = createTestIssuer();
  const base = {
    listen: { port: 0 },
    control: { port: 0 },
    issuers: [issuer.entry],
    txnToken: { trustDomain: 'inside.example' },
  };
  const configOf = (port: number): ReturnType<typeof createConfig> =>
    createConfig({
      ...base,
      upstreams: { main: { url: `http://127.0.0.1:${port}` } },
      routes: [{ path: '/x', upstream: 'main' }],
    });
  const gateway = composeGateway(configOf(1), { logger: createLogger('silent') });
  gateway.start();
  const shelved = gateway.shelved;
  const { cache, txnKey, verifier } = gateway.current;
  const candidate = await gateway.prepare(configOf(2));
  expect(gateway.shelved).toBe(shelved + 1);
  await candidate.abort();
  expect(gateway.shelved).toBe(shelved);
  await (await gateway.prepare(configOf(2))).commit();
  expect(gateway.shelved).toBe(shelved);
  expect(gateway.current.cache).toBe(cache);
  expect(gateway.current.txnKey).toBe(txnKey);
  expect(gateway.current.verifier).toBe(verifier);
  expect(gateway.live.size).toBe(1);
  await gateway.drain();
  await gateway.close();
  expect(gateway.shelved).toBe(0);
});

async function holdings(directory: string) {
  // Connections that were closed are gone after a while; what is collected may free more.
  await new Promise((resolve) => setTimeout(resolve, 300));
  for (let times = 0; times < 3; times += 1) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const links = readdirSync('/proc/self/fd').map(targetOf);
  return {
    resources: process.getActiveResourcesInfo().length,
    descriptors: links.length,
    sqliteFiles: links.filter((link) => link.startsWith(directory)).length,
    heapBytes: process.memoryUsage().heapUsed,
  };
}

function targetOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return '';
  }
}
