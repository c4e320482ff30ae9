/** The same for outgoing clients: each mistake must fail a check. */
import { type CreateClient, OUTGOING_CHECKS, createOutgoingWorld, outgoingConformance } from '@watchword/conformance';
import { Identity, type Propagator, TXN_TOKEN_HEADER, currentIdentityOrNobody, runWithIdentity } from '@watchword/core';
import { describe, expect, it } from 'vitest';

// A client done right, around the one line that can be done wrong.
const clientWith =
  (
    inject: (propagator: Propagator, url: string, headers: Headers) => unknown,
    init: RequestInit = { redirect: 'manual' },
  ): CreateClient =>
  (propagator) => ({
    async get(url, given) {
      const headers = new Headers(given ?? {});
      await inject(propagator, url, headers);
      const response = await fetch(url, { ...init, headers });
      await response.arrayBuffer();
      return { status: response.status };
    },
  });
const right = (propagator: Propagator, url: string, headers: Headers): boolean => propagator.inject(url, headers);

outgoingConformance('a client without mistakes', clientWith(right));

let lastCaller: Identity | undefined;

const mistakes: { mistake: string; client: CreateClient; noticedBy: RegExp }[] = [
  {
    mistake: 'sends the token everywhere',
    noticedBy: /not listed/,
    client: clientWith((_propagator, _url, headers) =>
      headers.set(TXN_TOKEN_HEADER, Identity.txnTokenOf(currentIdentityOrNobody()!)!),
    ),
  },
  {
    mistake: 'follows redirects with the token',
    noticedBy: /redirects to another one/,
    client: clientWith(right, { redirect: 'follow' }),
  },
  {
    mistake: 'decides by whether the address contains an allowed one',
    noticedBy: /address alone/,
    client: clientWith((propagator, url, headers) => right(propagator, url.slice(url.lastIndexOf('http://')), headers)),
  },
  {
    mistake: 'leaves a token that the call brings along',
    noticedBy: /takes off a token/,
    client: clientWith((propagator, url, headers) => propagator.allows(url) && right(propagator, url, headers)),
  },
  {
    mistake: 'calls without a token where the context is lost',
    noticedBy: /context is lost/,
    client: clientWith((propagator, url, headers) => {
      try {
        right(propagator, url, headers);
      } catch {}
    }),
  },
  {
    mistake: 'puts a scheme before the token',
    noticedBy: /byte for byte/,
    client: clientWith((propagator, url, headers) => {
      if (right(propagator, url, headers)) headers.set(TXN_TOKEN_HEADER, `Bearer ${headers.get(TXN_TOKEN_HEADER)}`);
    }),
  },
  {
    mistake: 'reads the caller later than the call',
    noticedBy: /interleaved calls/,
    client: clientWith(async (propagator, url, headers) => {
      lastCaller = currentIdentityOrNobody();
      await new Promise((resolve) => setImmediate(resolve));
      return runWithIdentity(lastCaller!, () => right(propagator, url, headers));
    }),
  },
];

describe('the suite notices a client that', () => {
  it.each(mistakes)('$mistake', async ({ client, noticedBy }) => {
    const check = OUTGOING_CHECKS.find(({ name }) => noticedBy.test(name));
    expect(check, `no check is called ${noticedBy}`).toBeDefined();
    const world = await createOutgoingWorld(client);
    await expect(check!.run(world).finally(() => world.close())).rejects.toMatchObject({ code: 'ERR_ASSERTION' });
  });
});
