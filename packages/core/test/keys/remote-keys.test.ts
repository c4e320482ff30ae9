/** When remote keys fetch, and when they do not (C1, C2, C3, C4, D7). Time is the test's. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type VerificationCache, createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import type { RemoteKeys, RemoteKeysOptions } from '../../src/keys/remote-keys.ts';
import { createVerifier } from '../../src/verify/create-verifier.ts';
import type { Verifier } from '../../src/verify/verifier.ts';
import { type Behaviour, type JwksServer, misbehaviours, published, serving, startJwksServer } from '../support/jwks-server.ts';
import { testKey } from '../support/keys.ts';
import { remoteKeysAt } from '../support/remote-keys.ts';
import { NOW, accessClaims, issuerPolicy, makeToken } from '../support/tokens.ts';
import { outcome, tally, verdict } from '../support/verdicts.ts';

const old = testKey('ES256', 'old');
const next = testKey('ES256', 'next');
// Valid for the whole of each test.
const payload = accessClaims({ exp: NOW + 100_000 });
const oldToken = makeToken(old, { payload });
const nextToken = makeToken(next, { payload });

let nowMs: number;
let server: JwksServer;

beforeEach(async () => {
  nowMs = NOW * 1000;
  server = await startJwksServer(serving(published(old)));
});
afterEach(() => server.close());

function remoteKeys(changes: Partial<RemoteKeysOptions> = {}): RemoteKeys {
  return remoteKeysAt(server.url, () => nowMs, changes);
}

// With the clock of the keys, as a program has one clock.
const verifierWith = (keys: RemoteKeys): Verifier =>
  createVerifier({ issuers: [issuerPolicy(old, { keys })], clock: () => nowMs });
const cachedVerifier = (keys: RemoteKeys): VerificationCache => createCachedVerifier(verifierWith(keys));

/** The most fetches in any 30 s. */
function busiest(moments: readonly number[]): number {
  return Math.max(0, ...moments.map((start) => moments.filter((moment) => moment >= start && moment < start + 30_000).length));
}

/** Notes when requests come, by the test's clock. */
function noting(moments: number[], behaviour: Behaviour): Behaviour {
  return (response, request) => {
    moments.push(nowMs);
    behaviour(response, request);
  };
}

describe('options', () => {
  it.each([
    'http://issuer.example/jwks',
    'file:///etc/passwd',
    'data:application/json,{"keys":[]}',
    'ftp://issuer.example/',
    'ws://issuer.example/',
    '//issuer.example/jwks',
    '/jwks',
    'issuer.example',
    '',
    'https://',
    'https://user:secret@issuer.example/jwks',
    'https://user@issuer.example/jwks',
  ])('C1: the address %s is refused', (url) => {
    expect(outcome(() => remoteKeys({ url, allowInsecure: false }))).toBe('config_invalid');
  });

  it.each(['file:///etc/passwd', 'data:application/json,{"keys":[]}', 'http://user:secret@127.0.0.1/'])(
    'C1: %s is refused even where http is allowed',
    (url) => {
      expect(outcome(() => remoteKeys({ url }))).toBe('config_invalid');
    },
  );

  it.each(['timeoutMs', 'maxBytes', 'cooldownMs', 'refreshMs', 'maxAgeMs'])('B2: %s must be a usable number', (name) => {
    for (const value of [NaN, Infinity, -Infinity, -1, 0, 1e308, '60', null]) {
      expect(
        outcome(() => remoteKeys({ [name]: value })),
        String(value),
      ).toBe('config_invalid');
    }
  });

  it('B2: retentionMs may be 0, and is a number', () => {
    expect(outcome(() => remoteKeys({ retentionMs: 0 }))).toBe('accepted');
    for (const value of [NaN, Infinity, -1, '60', null] as never[])
      expect(
        outcome(() => remoteKeys({ retentionMs: value })),
        String(value),
      ).toBe('config_invalid');
  });

  it('keys are refreshed before they are too old', () => {
    expect(outcome(() => remoteKeys({ refreshMs: 60_000, maxAgeMs: 59_999 }))).toBe('config_invalid');
    expect(outcome(() => remoteKeys({ refreshMs: 60_000, maxAgeMs: 60_000 }))).toBe('accepted');
  });

  it('fetch, clock, schedule and random are functions', () => {
    for (const name of ['fetch', 'clock', 'schedule', 'random'])
      expect(
        outcome(() => remoteKeys({ [name]: 5 })),
        name,
      ).toBe('config_invalid');
  });

  it('an unknown option, no algorithms, no issuer', () => {
    for (const changes of [{ cooldownms: 1 }, { algorithms: [] }, { issuer: '' }])
      expect(outcome(() => remoteKeys(changes))).toBe('config_invalid');
  });
});

describe('C1: token headers lead to no fetch', () => {
  it.each(['jku', 'x5u', 'jwk', 'x5c'])('%s', async (name) => {
    const keys = remoteKeys();
    await keys.ready();
    const hostile = makeToken(old, {
      payload,
      header: { [name]: name === 'jwk' ? published(next) : server.url.replace('/jwks', '/evil') },
    });
    await verdict(verifierWith(keys), hostile);
    expect(server.requests).toBe(1);
  });

  it('an algorithm that is not in the allow-list asks nobody', async () => {
    const verifier = verifierWith(remoteKeys());
    expect(await verdict(verifier, makeToken(testKey('ES384'), { payload }))).toBe('algorithm_not_allowed');
    expect(server.requests).toBe(0);
  });
});

describe('a flood of 10,000 unknown key ids in 60 s', () => {
  const weather: Readonly<Record<string, Behaviour>> = {
    'a good set': serving(published(old)),
    ...Object.fromEntries(
      ['sends an empty set', 'answers 404 with a good set', 'answers 500', 'resets the connection', 'answers HTML'].map(
        (name) => [name, misbehaviours([published(old)])[name]!],
      ),
    ),
  };

  it.each(Object.entries(weather))('C2: %s: at most 2 fetches in any 30 s', async (name, behaviour) => {
    const moments: number[] = [];
    server.behaviour = noting(moments, behaviour);
    const verifier = verifierWith(remoteKeys());
    const verdicts: string[] = [];
    for (let index = 0; index < 10_000; index += 1) {
      nowMs = NOW * 1000 + index * 6;
      verdicts.push(
        await verdict(verifier, makeToken(old, { payload, header: { kid: `unknown-${index}` }, signature: Buffer.alloc(64) })),
      );
    }
    // Every cool-down has its fetch; after one that failed it is twice as long.
    expect(moments.length).toBe(name === 'a good set' ? 4 : 2);
    expect(busiest(moments)).toBeLessThanOrEqual(2);
    expect(tally(verdicts)).toEqual({ [name === 'a good set' ? 'key_unknown' : 'keys_unavailable']: 10_000 });
  });

  it('C3: meanwhile known keys work without an error, and a real rotation is picked up within 30 s', async () => {
    const moments: number[] = [];
    server.behaviour = noting(moments, serving(published(old)));
    const verifier = verifierWith(remoteKeys());
    const known: string[] = [];
    let pickedUpAtMs: number | undefined;
    for (let index = 0; index < 10_000; index += 1) {
      nowMs = NOW * 1000 + index * 6;
      const isRotated = index >= 3700;
      if (index === 3700) server.behaviour = noting(moments, serving(published(old), published(next)));
      await verdict(verifier, makeToken(old, { payload, header: { kid: `unknown-${index}` }, signature: Buffer.alloc(64) }));
      if (index % 100 === 0) known.push(await verdict(verifier, oldToken));
      if (isRotated && pickedUpAtMs === undefined && (await verdict(verifier, nextToken)) === 'accepted') pickedUpAtMs = nowMs;
    }
    expect(tally(known)).toEqual({ accepted: 100 });
    expect(pickedUpAtMs! - (NOW * 1000 + 3700 * 6)).toBeLessThanOrEqual(15_000);
    expect(busiest(moments)).toBeLessThanOrEqual(2);
  });

  it('the clock of a verifier that runs behind does not get around the cool-down', async () => {
    const keys = remoteKeys();
    await keys.ready();
    for (let index = 0; index < 1000; index += 1) {
      keys.lookup('ES256', 'old', nowMs - 3_600_000);
      if (index % 100 === 0) await keys.load('ES256', 'unknown').catch(() => {});
    }
    expect(server.requests).toBe(1);
  });
});

describe('single flight', () => {
  it('1,000 verifications at once, one fetch', async () => {
    const verifier = verifierWith(remoteKeys());
    const verdicts = await Promise.all(Array.from({ length: 1000 }, () => verdict(verifier, oldToken)));
    expect([tally(verdicts), server.requests]).toEqual([{ accepted: 1000 }, 1]);
  });

  it('ready, refresh and load share one', async () => {
    const keys = remoteKeys();
    await Promise.all([keys.ready(), keys.refresh(), keys.load('ES256', 'old'), keys.ready()]);
    await keys.ready();
    expect(server.requests).toBe(1);
  });
});

describe('an issuer that takes its time', () => {
  const turn = (): Promise<void> => new Promise(setImmediate);

  /** Answers when it is told to. */
  function holding(answer: Behaviour): () => Promise<void> {
    const { promise: asked, resolve } = Promise.withResolvers<() => void>();
    server.behaviour = (response, request) => resolve(() => answer(response, request));
    return async () => (await asked)();
  }

  it('S14: of a flood of unknown key ids 1,024 wait for it, the others are told 503 at once; known keys wait for nothing', async () => {
    const keys = remoteKeys({ timeoutMs: 60_000 });
    await keys.ready();
    const verifier = verifierWith(keys);
    nowMs += 20_000;
    const release = holding(serving(published(old), published(next)));
    const answers: string[] = [];
    const flood = Array.from({ length: 3000 }, async (_, index) => {
      const header = Buffer.from(JSON.stringify({ typ: 'at+jwt', alg: 'ES256', kid: `id-${index}` })).toString('base64url');
      answers.push(await verdict(verifier, `${header}${oldToken.slice(oldToken.indexOf('.'))}`));
    });
    while (answers.length < 3000 - 1024) await turn();
    expect(await verdict(verifier, oldToken)).toBe('accepted');
    expect(tally(answers)).toEqual({ keys_unavailable: 3000 - 1024 });
    await release();
    await Promise.all(flood);
    expect(tally(answers)).toEqual({ keys_unavailable: 3000 - 1024, key_unknown: 1024 });
    expect([await verdict(verifier, nextToken), server.requests]).toEqual(['accepted', 2]);
    // Those who waited have given their places back.
    nowMs += 20_000;
    const releaseAgain = holding(serving(published(old)));
    const later = Array.from({ length: 1024 }, () => verdict(verifier, makeToken(testKey('ES256', 'third'), { payload })));
    await releaseAgain();
    expect(tally(await Promise.all(later))).toEqual({ key_unknown: 1024 });
    keys.close();
  });

  it('before the first keys are there everybody waits', async () => {
    const release = holding(serving(published(old)));
    const verifier = verifierWith(remoteKeys({ timeoutMs: 60_000 }));
    const verdicts = Array.from({ length: 3000 }, () => verdict(verifier, oldToken));
    await release();
    expect(tally(await Promise.all(verdicts))).toEqual({ accepted: 3000 });
  });
});

describe('S14: what is said without asking anybody', () => {
  const codeOf = (keys: RemoteKeys): string | undefined => keys.refusal!('ES256', 'unknown')?.code;

  it('nothing before the first fetch, and nothing while one is under way', async () => {
    const keys = remoteKeys();
    expect([codeOf(keys), keys.quiet!()]).toEqual([undefined, undefined]);
    const fetched = keys.refresh();
    expect([codeOf(keys), keys.quiet!()]).toEqual([undefined, undefined]);
    await fetched;
    keys.close();
  });

  it('inside the cool-down what `load` throws, and how long it lasts; of known keys nothing', async () => {
    const keys = remoteKeys({ cooldownMs: 15_000 });
    await keys.ready();
    nowMs += 5000;
    expect(codeOf(keys)).toBe('key_unknown');
    expect(await verdict(verifierWith(keys), nextToken)).toBe('key_unknown');
    expect(keys.refusal!('ES256', 'old')).toBeUndefined();
    expect(keys.quiet!()).toEqual({ kids: ['old'], forMs: 10_000 });
    nowMs += 10_000;
    expect([codeOf(keys), keys.quiet!()]).toEqual([undefined, undefined]);
    expect(server.requests).toBe(1);
    keys.close();
  });

  it('after a failure that it failed (503), and nothing for those who relay', async () => {
    const keys = remoteKeys({ cooldownMs: 15_000 });
    await keys.ready();
    nowMs += 15_000;
    server.behaviour = misbehaviours([])['answers 500']!;
    expect(await verdict(verifierWith(keys), nextToken)).toBe('keys_unavailable');
    expect([codeOf(keys), keys.quiet!()]).toEqual(['keys_unavailable', undefined]);
    keys.close();
  });
});

describe('age', () => {
  it('a refresh starts in the background: the request in hand does not wait for it', async () => {
    const keys = remoteKeys({ refreshMs: 60_000 });
    const verifier = cachedVerifier(keys);
    await verifier.verify(oldToken);
    nowMs += 59_999;
    expect([verifier.recall(oldToken) !== undefined, server.requests]).toEqual([true, 1]);
    nowMs += 1;
    for (let hit = 0; hit < 100; hit += 1) expect(verifier.recall(oldToken)).toBeDefined();
    await keys.refresh();
    expect([server.requests, keys.ageMs()]).toEqual([2, 0]);
  });

  it('D7: a withdrawn key ends cached verdicts with the refresh that shows it', async () => {
    server.behaviour = serving(published(old), published(next));
    const keys = remoteKeys();
    const verifier = cachedVerifier(keys);
    await Promise.all([verifier.verify(oldToken), verifier.verify(nextToken)]);
    server.behaviour = serving(published(next));
    nowMs += 300_000;
    expect(verifier.recall(oldToken)).toBeDefined();
    await keys.refresh();
    expect([verifier.recall(oldToken), verifier.recall(nextToken) !== undefined]).toEqual([undefined, true]);
    expect(await verdict(verifier, oldToken)).toBe('key_unknown');
  });

  it('D7: other material under the same key id ends cached verdicts too', async () => {
    const keys = remoteKeys();
    const verifier = cachedVerifier(keys);
    await verifier.verify(oldToken);
    server.behaviour = serving(published(next, { kid: 'old' }));
    await keys.refresh();
    expect([verifier.recall(oldToken), await verdict(verifier, oldToken)]).toEqual([undefined, 'signature_invalid']);
  });

  it('an outage: keys are good to the end of their age, then everything is 503, cached or not; and well again afterwards', async () => {
    const keys = remoteKeys({ maxAgeMs: 3_600_000 });
    const verifier = cachedVerifier(keys);
    await verifier.verify(oldToken);
    server.behaviour = (response) => response.writeHead(500).end();
    for (let minute = 1; minute < 60; minute += 1) {
      nowMs = (NOW + minute * 60) * 1000;
      expect(await verdict(verifier, oldToken), `minute ${minute}`).toBe('accepted');
    }
    nowMs = (NOW + 3600) * 1000 - 1;
    expect(verifier.recall(oldToken)).toBeDefined();
    nowMs = (NOW + 3600) * 1000;
    expect([verifier.recall(oldToken), await verdict(verifier, oldToken)]).toEqual([undefined, 'keys_unavailable']);
    server.behaviour = serving(published(old));
    nowMs += 30_000;
    expect(await verdict(verifier, oldToken)).toBe('accepted');
  });
});

describe('the clock', () => {
  it('steps back: known keys work, one fetch makes sure', async () => {
    const keys = remoteKeys();
    const verifier = cachedVerifier(keys);
    await verifier.verify(oldToken);
    nowMs -= 3_600_000;
    for (let hit = 0; hit < 100; hit += 1) expect(await verdict(verifier, oldToken)).toBe('accepted');
    await expect.poll(() => keys.ageMs()).toBe(0);
    for (let hit = 0; hit < 100; hit += 1) keys.lookup('ES256', 'old', nowMs);
    expect(server.requests).toBe(2);
  });

  it('jumps a day ahead: fetched anew before anything is trusted', async () => {
    const keys = remoteKeys();
    await keys.ready();
    nowMs += 86_400_000;
    expect(keys.lookup('ES256', 'old', nowMs)).toBeUndefined();
    await keys.load('ES256', 'old');
    expect(server.requests).toBe(2);
  });

  it.each([NaN, Infinity, -Infinity])('says %s: refused, and nothing is fetched', async (broken) => {
    const keys = remoteKeys();
    await keys.ready();
    nowMs = broken;
    await expect(keys.load('ES256', 'unknown')).rejects.toMatchObject({ code: 'clock_invalid' });
    await expect(keys.refresh()).rejects.toMatchObject({ code: 'clock_invalid' });
    expect(await verdict(cachedVerifier(keys), oldToken)).toBe('clock_invalid');
    expect(server.requests).toBe(1);
  });
});
