/** The way from an issuer to its keys (OpenID Connect Discovery 1.0 section 4, RFC 8414 section 3). */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Discovery, type RemoteKeys, type RemoteKeysOptions, createRemoteKeys } from '../../src/keys/remote-keys.ts';
import {
  type Behaviour,
  type JwksServer,
  describing,
  misbehaviours,
  published,
  serving,
  startJwksServer,
} from '../support/jwks-server.ts';
import { testKey } from '../support/keys.ts';
import { NOW } from '../support/tokens.ts';
import { outcome } from '../support/verdicts.ts';

const good = testKey('ES256', 'good');
const set = serving(published(good));

let nowMs: number;
let server: JwksServer;
let origin: string;
let paths: string[];

beforeEach(async () => {
  nowMs = NOW * 1000;
  paths = [];
  server = await startJwksServer(set);
  origin = new URL(server.url).origin;
});
afterEach(() => server.close());

function noting(behaviour: Behaviour): Behaviour {
  return (response, request) => {
    paths.push(request.url!);
    behaviour(response, request);
  };
}

function remoteKeys(issuer: string, discovery: Discovery = 'oidc', changes: Partial<RemoteKeysOptions> = {}): RemoteKeys {
  return createRemoteKeys({
    issuer,
    discovery,
    algorithms: ['ES256'],
    allowInsecure: true,
    timeoutMs: 1000,
    clock: () => nowMs,
    random: () => 0,
    ...changes,
  });
}

/** Serves metadata of this issuer, by default good ones. */
function serveMetadata(issuer: string, changes: object = {}): void {
  server.behaviour = noting(describing({ issuer, jwks_uri: `${origin}/keys`, ...changes }, set));
}

describe('options', () => {
  it.each<[string, object]>([
    ['neither url nor discovery', { discovery: undefined }],
    ['both', { url: 'https://issuer.example/jwks' }],
    ['an unknown kind', { discovery: 'openid' }],
    ['an issuer that is no address', { issuer: 'shop.internal' }],
    ['an issuer over http', { issuer: 'http://issuer.example', allowInsecure: false }],
    ['an issuer with a query', { issuer: 'https://issuer.example/?a=b' }],
    ['an issuer with a fragment', { issuer: 'https://issuer.example/#a' }],
    ['an issuer with credentials', { issuer: 'https://user:secret@issuer.example' }],
    ['an issuer at a private address', { issuer: 'https://10.0.0.1' }],
  ])('%s: refused', (_, changes) => {
    expect(outcome(() => remoteKeys('https://issuer.example', 'oidc', changes))).toBe('config_invalid');
  });
});

describe('the address of the metadata', () => {
  it.each<[Discovery, string, string]>([
    ['oidc', '', '/.well-known/openid-configuration'],
    ['oidc', '/', '/.well-known/openid-configuration'],
    ['oidc', '/tenant/1', '/tenant/1/.well-known/openid-configuration'],
    ['oidc', '/tenant/1/', '/tenant/1/.well-known/openid-configuration'],
    ['oauth', '', '/.well-known/oauth-authorization-server'],
    ['oauth', '/', '/.well-known/oauth-authorization-server'],
    ['oauth', '/tenant/1', '/.well-known/oauth-authorization-server/tenant/1'],
    ['oauth', '/tenant/1/', '/.well-known/oauth-authorization-server/tenant/1'],
  ])('%s of %j is %s', async (kind, path, expected) => {
    serveMetadata(origin + path);
    const keys = remoteKeys(origin + path, kind);
    await keys.ready();
    expect(paths).toEqual([expected, '/keys']);
    expect(keys.id).toBe(`remote:${origin}${expected}`);
    expect(keys.lookup('ES256', 'good', nowMs)).toBeDefined();
  });
});

describe('metadata that are refused, and nothing is fetched from where they point', () => {
  it.each<[string, (issuer: string) => object]>([
    ['of another issuer (B14)', () => ({ issuer: 'https://other.example' })],
    ['with a slash too many', (issuer) => ({ issuer: `${issuer}/` })],
    ['in another case', (issuer) => ({ issuer: issuer.toUpperCase() })],
    ['without issuer', () => ({ issuer: undefined })],
    ['with a list as issuer', (issuer) => ({ issuer: [issuer] })],
    ['without jwks_uri', () => ({ jwks_uri: undefined })],
    ['with an object as jwks_uri', () => ({ jwks_uri: {} })],
    ['with a relative jwks_uri', () => ({ jwks_uri: '/keys' })],
    ['C1: with file:', () => ({ jwks_uri: 'file:///etc/passwd' })],
    ['C1: with data:', () => ({ jwks_uri: 'data:application/json,{"keys":[]}' })],
    ['C1: with a metadata service', () => ({ jwks_uri: 'http://169.254.169.254/keys' })],
    ['C1: with a private address', () => ({ jwks_uri: 'https://10.0.0.1/keys' })],
    ['C1: with a hidden private address', () => ({ jwks_uri: 'https://0xa000001/keys' })],
    ['C1: with http to a public host', () => ({ jwks_uri: 'http://issuer.example/keys' })],
    ['C1: with credentials', (issuer) => ({ jwks_uri: issuer.replace('//', '//user:secret@') })],
  ])('%s', async (_, changes) => {
    serveMetadata(origin, changes(origin));
    const keys = remoteKeys(origin);
    await expect(keys.ready()).rejects.toMatchObject({ code: 'keys_unavailable' });
    expect(paths).toEqual(['/.well-known/openid-configuration']);
    expect(keys.stats()).toMatchObject({ fetches: 1, failures: 1, keys: 0 });
    expect(keys.stats().lastFailure).not.toMatch(/secret|passwd|169\.254/);
  });

  it.each(Object.entries(misbehaviours([published(good)])))('that a server which %s gives', async (_, behaviour) => {
    server.behaviour = behaviour;
    await expect(remoteKeys(origin, 'oidc', { timeoutMs: 100 }).ready()).rejects.toMatchObject({ code: 'keys_unavailable' });
  });
});

describe('how often the metadata are read', () => {
  it('once an hour, and again after a fetch of keys that failed', async () => {
    serveMetadata(origin);
    const keys = remoteKeys(origin);
    await keys.ready();
    for (let round = 0; round < 11; round += 1) {
      nowMs += 300_000;
      await keys.refresh();
    }
    expect(paths.filter((path) => path.includes('.well-known')).length).toBe(1);
    nowMs += 300_000;
    await keys.refresh();
    expect(paths.filter((path) => path.includes('.well-known')).length).toBe(2);
    server.behaviour = noting(
      describing({ issuer: origin, jwks_uri: `${origin}/moved` }, (response) => response.writeHead(404).end()),
    );
    await keys.refresh().catch(() => {});
    server.behaviour = noting(describing({ issuer: origin, jwks_uri: `${origin}/moved` }, set));
    await keys.refresh();
    expect(paths.slice(-3)).toEqual(['/keys', '/.well-known/openid-configuration', '/moved']);
  });

  it('C4: broken metadata take a known address and its keys away from nobody', async () => {
    serveMetadata(origin);
    const keys = remoteKeys(origin);
    await keys.ready();
    nowMs += 3_600_000;
    serveMetadata('https://other.example');
    await keys.refresh();
    expect([keys.ageMs(), paths.slice(-2)]).toEqual([0, ['/.well-known/openid-configuration', '/keys']]);
  });

  it.each(['good', 'broken'])(
    'C2: 1,000 unknown key ids in 60 s, %s metadata: at most 2 fetches of each in 30 s',
    async (kind) => {
      const moments: Record<string, number[]> = { metadata: [], keys: [] };
      serveMetadata(kind === 'good' ? origin : 'https://other.example');
      const answer = server.behaviour;
      server.behaviour = (response, request) => {
        moments[request.url!.includes('.well-known') ? 'metadata' : 'keys']!.push(nowMs);
        answer(response, request);
      };
      const keys = remoteKeys(origin);
      for (let index = 0; index < 1000; index += 1) {
        nowMs += 60;
        await keys.load('ES256', `unknown-${index}`).catch(() => {});
      }
      for (const times of Object.values(moments)) {
        const busiest = Math.max(
          0,
          ...times.map((start) => times.filter((time) => time >= start && time < start + 30_000).length),
        );
        expect(busiest).toBeLessThanOrEqual(2);
      }
      expect(moments.metadata!.length).toBeGreaterThan(0);
    },
  );
});
