/** Status lists against a server that does everything wrong (SL-2, SL-5, C1, C5): no token is accepted, no good list is lost. */
import type { ServerResponse } from 'node:http';
import { deflateSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Fetch } from '../../../src/keys/fetch-jwks.ts';
import { createLocalKeys } from '../../../src/keys/local-keys.ts';
import { secretKey, testKey } from '../../support/keys.ts';
import {
  type ListBehaviour,
  type ListParts,
  ListServer,
  claimsWithStatus,
  encodeStatusList,
  listing,
  makeListToken,
} from '../../support/status-lists.ts';
import { ISSUER, NOW, makeToken } from '../../support/tokens.ts';
import { verdict } from '../../support/verdicts.ts';
import { StatusWorld, listKey, tokenKey } from './world.ts';

let world: StatusWorld;
beforeEach(async () => {
  world = await StatusWorld.start();
});
afterEach(() => world.close());

const good = encodeStatusList([0, 0, 0, 0]);
const bad = (parts: ListParts): ((uri: string) => ListBehaviour) => {
  return (uri) => listing(makeListToken(listKey, uri, good, parts));
};
const answer =
  (behaviour: ListBehaviour): ((uri: string) => ListBehaviour) =>
  () =>
    behaviour;
const signedBy = (key: typeof listKey, parts: ListParts = {}): ((uri: string) => ListBehaviour) => {
  return (uri) => listing(makeListToken(key, uri, good, parts));
};

const pour = (response: ServerResponse, left: number): void => {
  if (left === 0) response.end();
  else if (response.write(Buffer.alloc(1 << 20, 'A'))) setImmediate(pour, response, left - 1);
  else response.once('drain', () => pour(response, left - 1));
};

/** Each one a list in which the token is VALID, if only it were believed. */
const MISBEHAVIOURS: Readonly<Record<string, (uri: string) => ListBehaviour>> = {
  'answers 500': answer((response) => response.writeHead(500).end()),
  'answers 404': answer((response) => response.writeHead(404).end()),
  'SL-7: answers 501': answer((response) => response.writeHead(501).end()),
  'answers 204': answer((response) => response.writeHead(204).end()),
  'answers 304': answer((response) => response.writeHead(304).end()),
  'answers 206 with a good list': (uri) => (response) =>
    response.writeHead(206, { 'content-type': 'application/statuslist+jwt' }).end(makeListToken(listKey, uri, good)),
  hangs: answer(() => {}),
  'hangs in the middle': answer((response) =>
    response.writeHead(200, { 'content-type': 'application/statuslist+jwt' }).write('eyJ'),
  ),
  'resets the connection': answer((response) => response.socket!.resetAndDestroy()),
  'sends nothing': answer(listing('')),
  'sends HTML': answer(listing('<!doctype html>', { 'content-type': 'text/html' })),
  'SL-5: sends a good list as another type': (uri) =>
    listing(makeListToken(listKey, uri, good), { 'content-type': 'application/jwt' }),
  'SL-5: sends a good list without a type': (uri) => (response) => response.writeHead(200).end(makeListToken(listKey, uri, good)),
  'SL-5: sends the CWT form': (uri) =>
    listing(makeListToken(listKey, uri, good), { 'content-type': 'application/statuslist+cwt' }),
  'sends 50 MB': answer((response) => pour(response.writeHead(200, { 'content-type': 'application/statuslist+jwt' }), 50)),
  'C5: sends a gzip bomb': answer(listing(gzipSync(Buffer.alloc(50 << 20, 'A')), { 'content-encoding': 'gzip' })),
  'sends broken gzip': answer(listing('not gzip', { 'content-encoding': 'gzip' })),
  'sends bytes that are no token': answer(listing(Buffer.from([0xff, 0xfe, 0x2e, 0x2e]))),
  'sends a line end after the token': (uri) => listing(`${makeListToken(listKey, uri, good)}\n`),
  "SL-2: sends another list's token": bad({ claims: { sub: 'https://issuer.example/lists/2' } }),
  'SL-2: leaves out sub': bad({ claims: { sub: undefined } }),
  'SL-2: sends typ at+jwt': bad({ header: { typ: 'at+jwt' } }),
  'SL-2: sends typ JWT': bad({ header: { typ: 'JWT' } }),
  'SL-2: leaves out typ': bad({ header: { typ: undefined } }),
  'SL-2: leaves out iat': bad({ claims: { iat: undefined } }),
  'sends iat as text': bad({ claims: { iat: String(NOW) } }),
  'sends a list from the future': bad({ claims: { iat: NOW + 10_000 } }),
  'SL-6: sends an expired list': bad({ claims: { exp: NOW } }),
  'sends exp as text': bad({ claims: { exp: '9999999999' } }),
  'sends exp beyond all dates': bad({ claims: { exp: 1e300 } }),
  'SL-2: sends a ttl of 0': bad({ claims: { ttl: 0 } }),
  'sends a negative ttl': bad({ claims: { ttl: -1 } }),
  'sends ttl as text': bad({ claims: { ttl: '100' } }),
  'names another issuer': bad({ claims: { iss: 'https://other.example' } }),
  'has a critical header': bad({ header: { crit: ['x'], x: 1 } }),
  'SL-2: leaves out status_list': bad({ claims: { status_list: undefined } }),
  'sends status_list as a list': bad({ claims: { status_list: [good] } }),
  'sends 3 bits': bad({ claims: { status_list: { ...good, bits: 3 } } }),
  'sends bits as text': bad({ claims: { status_list: { ...good, bits: '1' } } }),
  'leaves out bits': bad({ claims: { status_list: { lst: good.lst } } }),
  'leaves out lst': bad({ claims: { status_list: { bits: 1 } } }),
  'sends lst as numbers': bad({ claims: { status_list: { bits: 1, lst: [0] } } }),
  'sends a lst that is not compressed': bad({ claims: { status_list: { bits: 1, lst: 'AAAA' } } }),
  'sends a bomb as lst': bad({
    claims: { status_list: { bits: 1, lst: deflateSync(Buffer.alloc(50 << 20)).toString('base64url') } },
  }),
  "is signed by another issuer's key": signedBy(testKey('ES256', 'other')),
  "is signed by another issuer's key under our key id": signedBy({ ...testKey('ES256', 'other'), kid: listKey.kid }),
  'is signed with an algorithm that is not allowed': signedBy(testKey('Ed25519', 'list-key')),
  'is not signed': (uri) =>
    listing(makeListToken({ ...listKey, sign: () => Buffer.alloc(0) }, uri, good, { header: { alg: 'none' } })),
  'is signed with the public key as a secret': (uri) =>
    listing(
      makeListToken(
        secretKey('HS256', listKey.kid, Buffer.from(listKey.publicKey!.export({ type: 'spki', format: 'pem' }))),
        uri,
        good,
      ),
    ),
  'SL-5: redirects in circles': answer((response, request) =>
    response.writeHead(302, { location: request.url === '/lists/1' ? '/lists/2' : '/lists/1' }).end(),
  ),
  'SL-5: redirects without end': answer((response, request) => response.writeHead(302, { location: `${request.url}1` }).end()),
  'redirects to nowhere': answer((response) => response.writeHead(302).end()),
  'redirects to a file': answer((response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end()),
  'redirects to the metadata service': answer((response) =>
    response.writeHead(302, { location: 'http://169.254.169.254/latest/' }).end(),
  ),
};

describe.each(Object.entries(MISBEHAVIOURS))('a server that %s', (_name, behaviour) => {
  it('at the beginning: 503, and well again after the cool-down', async () => {
    const lists = world.lists();
    const verifier = world.verifier(lists);
    world.server.behaviour = behaviour(world.uri);
    const verdicts = await Promise.all([0, 3].map((idx) => verdict(verifier, world.token(idx))));
    expect(verdicts).toEqual(['revocation_unavailable', 'revocation_unavailable']);
    expect(lists.stats()).toMatchObject({ lists: 0, bytes: 0, fetches: 1, failures: 1 });
    expect(lists.stats().lastFailure).not.toContain(world.uri);
    world.serve();
    expect(await verdict(verifier, world.token(0))).toBe('revocation_unavailable');
    world.time.nowMs += 10_000;
    expect(await verdict(verifier, world.token(0))).toBe('accepted');
  });

  it('later on: the list that is known goes on being used, until its time is over', async () => {
    const lists = world.lists();
    const verifier = world.verifier(lists);
    world.serve();
    await verdict(verifier, world.token(0));
    world.server.behaviour = behaviour(world.uri);
    world.time.nowMs += 200_000;
    await lists.refresh(world.uri);
    expect(lists.stats()).toMatchObject({ lists: 1, fetches: 2, failures: 1 });
    const both = async (): Promise<string[]> => [
      await verdict(verifier, world.token(0)),
      await verdict(verifier, world.token(1)),
    ];
    expect(await both()).toEqual(['accepted', 'token_revoked']);
    world.time.nowMs = (NOW + 3600) * 1000;
    expect(await both()).toEqual(['revocation_unavailable', 'token_revoked']);
  });
});

describe('SL-5: redirects', () => {
  it('SL-5: are followed within the origin, three of them', async () => {
    world.server.behaviour = (response, request) => {
      const hop = Number(request.url!.at(-1));
      if (hop < 4) response.writeHead(302, { location: `/lists/${hop + 1}` }).end();
      else listing(world.list())(response, request);
    };
    expect(await verdict(world.verifier(), world.token(0))).toBe('accepted');
    expect(world.server.asked).toEqual(['/lists/1', '/lists/2', '/lists/3', '/lists/4']);
  });

  it.each(['/lists/1', '/lists/11'])('SL-5: a loop over %s ends at once', async (location) => {
    world.server.behaviour = (response, request) =>
      response.writeHead(302, { location: location === '/lists/1' ? location : `${request.url}1` }).end();
    const lists = world.lists({ timeoutMs: 20_000 });
    expect(await verdict(world.verifier(lists), world.token(0))).toBe('revocation_unavailable');
    expect(lists.stats().lastFailure).toBe('revocation_unavailable: redirects in circles');
    expect(world.server.requests).toBeLessThan(5);
  });

  it('C1: are not followed to another origin, not even to a port next door', async () => {
    const nextDoor = await ListServer.start();
    nextDoor.behaviour = listing(world.list());
    world.server.behaviour = (response) => response.writeHead(302, { location: `${nextDoor.origin}/lists/1` }).end();
    for (const fetch of [undefined, globalThis.fetch as Fetch]) {
      const lists = world.lists(fetch === undefined ? {} : { fetch });
      expect(await verdict(world.verifier(lists), world.token(0))).toBe('revocation_unavailable');
      expect(lists.stats().lastFailure).toBe('revocation_unavailable: redirects to another origin');
    }
    expect(nextDoor.requests).toBe(0);
    await nextDoor.close();
  });

  it("a user's fetch that follows them by itself is noticed", async () => {
    const lists = world.lists({
      fetch: async () => {
        const response = new Response(world.list(), { headers: { 'content-type': 'application/statuslist+jwt' } });
        Object.defineProperty(response, 'redirected', { value: true });
        return response;
      },
    });
    expect(await verdict(world.verifier(lists), world.token(0))).toBe('revocation_unavailable');
  });
});

describe('SL-5: the request', () => {
  it('SL-5: asks for application/statuslist+jwt, and takes it in any case, with parameters, compressed', async () => {
    const headers = { 'content-type': 'Application/StatusList+JWT; charset=utf-8', 'content-encoding': 'gzip' };
    world.server.behaviour = listing(gzipSync(world.list()), headers);
    expect(await verdict(world.verifier(), world.token(0))).toBe('accepted');
    expect(world.server.accept).toBe('application/statuslist+jwt');
  });

  it.each<[string, ListParts]>([
    ['without exp and ttl', { claims: { exp: undefined, ttl: undefined } }],
    ["with the issuer's name", { claims: { iss: ISSUER } }],
    ['with the whole media type as typ', { header: { typ: 'application/statuslist+jwt' } }],
    ['with a clock that is a little ahead', { claims: { iat: NOW + 5 } }],
    ['with aggregation_uri', { claims: { status_list: { ...good, aggregation_uri: 'https://intruder.example/' } } }],
  ])('SL-2: a list %s is good', async (_name, parts) => {
    world.serve(world.list(parts));
    expect(await verdict(world.verifier(), world.token(0))).toBe('accepted');
    expect(world.server.requests).toBe(1);
  });

  it('SL-9: a list of ten million tokens', async () => {
    const statuses = new Uint8Array(10_000_000);
    for (let idx = 5; idx < statuses.length; idx += 997) statuses[idx] = 1;
    world.serve(makeListToken(listKey, world.uri, encodeStatusList(statuses)));
    const verifier = world.verifier();
    expect(await verdict(verifier, world.token(5 + 997 * 10_000))).toBe('token_revoked');
    expect(await verdict(verifier, world.token(9_999_999))).toBe('accepted');
  });
});

it('C1: the built-in fetch connects to no private address that a name resolves to', async () => {
  const uri = 'https://localhost/lists/1';
  const lists = world.lists({ uris: [uri], allowInsecure: false });
  const token = makeToken(tokenKey, { payload: claimsWithStatus(uri, 0) });
  expect(await verdict(world.verifier(lists), token)).toBe('revocation_unavailable');
  expect(lists.stats().failures).toBe(1);
});

it('B14: keys of another issuer are refused at once', () => {
  const keys = createLocalKeys({ issuer: 'https://other.example', keys: [listKey.material] });
  expect(() => world.lists({ keys })).toThrow(expect.objectContaining({ code: 'config_invalid' }));
});

it('a list from the future is refused to the second', async () => {
  world.serve(world.list({ claims: { iat: NOW + 6 } }));
  expect(await verdict(world.verifier(), world.token(0))).toBe('revocation_unavailable');
});

it('C5: an answer that is too large is let go of, not read to its end', async () => {
  world.server.behaviour = MISBEHAVIOURS['sends 50 MB']!(world.uri);
  const lists = world.lists({ timeoutMs: 20_000 });
  await lists.refresh(world.uri);
  expect(lists.stats().lastFailure).toBe('revocation_unavailable: more than 1048576 bytes');
});

it('JB-1: a key that is there does not make its algorithm allowed', async () => {
  const key = testKey('Ed25519', 'list-key');
  world.server.behaviour = signedBy(key)(world.uri);
  const lists = world.lists({ keys: createLocalKeys({ issuer: ISSUER, keys: [key.material] }) });
  await lists.refresh(world.uri);
  expect(lists.stats().lastFailure).toMatch(/^algorithm_not_allowed/);
});
