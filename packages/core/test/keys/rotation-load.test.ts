/** S12 for our own keys: two instances rotate, services verify with keys that they fetch over HTTP, through a cache on the way. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { createMemorySigningKeyStore } from '../../src/keys/memory-signing-keys.ts';
import { type RemoteKeys, createRemoteKeys } from '../../src/keys/remote-keys.ts';
import type { SigningKeySet } from '../../src/keys/signing-key-set.ts';
import { createTxnMinter } from '../../src/txn/mint.ts';
import { createTxnVerifier } from '../../src/txn/verify.ts';
import type { VerifiedToken } from '../../src/verify/verified-token.ts';
import { ManualSchedule, settle } from '../revocation/manual-schedule.ts';
import { NOW, accessClaims, makeToken, verifierOf } from '../support/tokens.ts';
import { testKey } from '../support/keys.ts';
import { startSet } from './signing-key-world.ts';

const DOMAIN = 'inside.example';
const SECOND = 1000;
const START_MS = NOW * SECOND;
/** Of the set, as the control listener says it. */
const MAX_AGE_MS = 300 * SECOND;
const ROTATIONS = 120;
const POLICY = {
  rotateEveryMs: 800 * SECOND,
  publishAheadMs: 700 * SECOND,
  holdMs: 600 * SECOND,
  tokenLifetimeMs: 300 * SECOND,
  toleranceMs: 20 * SECOND,
};

const subjects: VerifiedToken[] = [];
beforeAll(async () => {
  const idp = testKey('ES256');
  for (let index = 0; index < 4; index += 1) {
    const exp = START_MS / SECOND + 10 * 86_400;
    const claims = accessClaims({ sub: `user-${index}`, iat: START_MS / SECOND, exp });
    subjects.push(await verifierOf(idp).verify(makeToken(idp, { payload: claims })));
  }
});

/** What services see of the instances: a real server, and a cache in front of it that keeps answers as long as it may. */
async function startMesh(sets: readonly SigningKeySet[], time: ManualSchedule) {
  let turn = 0;
  const server = createServer((_request, response) => {
    const set = sets[(turn += 1) % sets.length]!;
    const keys = set.published(time.nowMs).map((key) => key.publicJwk());
    response.setHeader('content-type', 'application/jwk-set+json');
    response.end(JSON.stringify({ keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/.well-known/jwks.json`;
  const flights = new Set<Promise<unknown>>();
  let copy: { readonly body: string; readonly untilMs: number } | undefined;
  const fetchThroughCache = async (signal: AbortSignal | undefined): Promise<Response> => {
    if (copy === undefined || time.nowMs >= copy.untilMs) {
      const body = await (await fetch(url, { ...(signal && { signal }) })).text();
      copy = { body, untilMs: time.nowMs + MAX_AGE_MS };
    }
    return new Response(copy.body, { headers: { 'content-type': 'application/jwk-set+json' } });
  };
  return {
    url,
    fetch(_url: string | URL, init?: { readonly signal?: AbortSignal | null }): Promise<Response> {
      const flight = fetchThroughCache(init?.signal ?? undefined);
      flights.add(flight);
      void flight.catch(() => {}).finally(() => flights.delete(flight));
      return flight;
    },
    async quiet() {
      do {
        await Promise.allSettled(flights);
        await settle();
      } while (flights.size > 0);
    },
    close: () => server.close(),
  };
}

/** Runs the rotations. @returns what the services found */
async function rotate(policy: typeof POLICY, rotations: number) {
  const time = new ManualSchedule(START_MS);
  const store = createMemorySigningKeyStore({ clock: time.clock });
  // Clocks as far apart as they may be.
  const clocks = [9, -9].map((seconds) => () => time.nowMs + seconds * SECOND);
  const sets = clocks.map((clock) => startSet(store, time, { ...policy, clock }));
  await Promise.all(sets.map((set) => set.ready()));
  const mesh = await startMesh(sets, time);
  const minters = sets.map((key, index) =>
    createTxnMinter({ trustDomain: DOMAIN, requestingWorkload: 'edge', key, clock: clocks[index]!, lifetimeSeconds: 60 }),
  );
  const remotes: RemoteKeys[] = [0, 0.7].map((phase) =>
    createRemoteKeys({
      issuer: DOMAIN,
      url: mesh.url,
      algorithms: ['ES256'],
      allowInsecure: true,
      fetch: mesh.fetch as never,
      clock: time.clock,
      schedule: time.schedule,
      random: () => phase,
    }),
  );
  const services = remotes.map((keys) =>
    createCachedVerifier(createTxnVerifier({ trustDomain: DOMAIN, keys, clock: time.clock, toleranceSeconds: 20 })),
  );
  await Promise.all(remotes.map((keys) => keys.ready()));

  const found = {
    tokens: 0,
    verified: 0,
    refused: 0,
    unknown: 0,
    kids: new Set<string>(),
    gone: new Map<string, number>(),
    late: 0,
  };
  let recent: string[] = [];
  const endMs = START_MS + rotations * policy.rotateEveryMs;
  while (time.nowMs < endMs) {
    await time.pass(40 * SECOND);
    await mesh.quiet();
    const minted = minters.flatMap((minter) => subjects.map((subject) => minter.mint({ subject })));
    found.tokens += minted.length;
    // Those of now, and those that are about to end.
    for (const token of new Set([...minted, ...recent])) {
      const { kid } = decodeProtectedHeader(token) as { kid: string };
      found.kids.add(kid);
      for (const [index, service] of services.entries()) {
        if (remotes[index]!.lookup('ES256', kid, time.nowMs) === undefined) found.unknown += 1;
        found.verified += 1;
        await service.verify(token).catch(() => (found.refused += 1));
      }
    }
    recent = [...new Set([...recent, ...minted])].filter((token) => decodeJwt(token).exp! * SECOND > time.nowMs + 40 * SECOND);
    for (const { kid, goneAtMs } of sets[0]!.describe()) found.gone.set(kid, goneAtMs);
    for (const [kid, goneAtMs] of found.gone) {
      // A service drops it with the next set that it reads.
      const droppedAtMs = goneAtMs + MAX_AGE_MS + 300 * SECOND + 40 * SECOND;
      if (time.nowMs < droppedAtMs) continue;
      found.gone.delete(kid);
      found.late += remotes.filter((keys) => keys.lookup('ES256', kid, time.nowMs) !== undefined).length;
    }
  }
  const made = sets.reduce((sum, set) => sum + set.stats().rotations, 0);
  for (const keys of remotes) keys.close();
  await Promise.all(sets.map((set) => set.close()));
  mesh.close();
  return { ...found, made };
}

describe('S12: rotation under load', () => {
  test(
    'S12: 120 rotations, 0 false refusals, no key used that a service has not fetched before',
    { timeout: 120_000 },
    async () => {
      const found = await rotate(POLICY, ROTATIONS);
      // The one after the last is made already.
      expect(found.made).toBeGreaterThanOrEqual(ROTATIONS);
      expect(found.made).toBeLessThanOrEqual(ROTATIONS + 2);
      expect(found.kids.size).toBeGreaterThanOrEqual(ROTATIONS - 1);
      expect(found.verified).toBeGreaterThan(20_000);
      expect({ refused: found.refused, unknown: found.unknown, late: found.late }).toEqual({ refused: 0, unknown: 0, late: 0 });
    },
  );

  test(
    'S12: published for less time than caches keep a set, keys would be used unseen: this world can tell',
    { timeout: 60_000 },
    async () => {
      const found = await rotate({ ...POLICY, publishAheadMs: 60 * SECOND }, 6);
      expect(found.unknown).toBeGreaterThan(0);
      expect(found.refused).toBeGreaterThan(0);
    },
  );
});
