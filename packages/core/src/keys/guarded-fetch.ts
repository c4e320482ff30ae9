/** A fetch that connects only to addresses that it may, checked on what the name has resolved to (C1). */
import { lookup as resolveName } from 'node:dns';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import { Readable, pipeline } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { Fetch } from './fetch-jwks.ts';
import type { HostRules } from './host-rules.ts';

/** Resolves a name to all of its addresses: the form of `dns.lookup` with `all`. */
export type Resolve = (
  name: string,
  options: { readonly all: true },
  done: (
    error: NodeJS.ErrnoException | null,
    addresses: readonly { readonly address: string; readonly family: number }[],
  ) => void,
) => void;

/**
 * Builds it. The connection goes to the very addresses that were checked, so a second answer of a hostile name server has no
 * effect (DNS rebinding). No redirect is followed, no proxy used, no connection kept.
 */
export function createGuardedFetch(hosts: HostRules, resolve: Resolve = resolveName): Fetch {
  return (text, init) =>
    new Promise((done, fail) => {
      const url = hosts.readUrl(text, 'url');
      const open = url.protocol === 'https:' ? requestHttps : requestHttp;
      const request = open(url, {
        // A pooled connection may have been opened under other rules.
        agent: false,
        lookup: checkedLookup(url, hosts, resolve),
        headers: { ...(init.headers as Record<string, string>), 'accept-encoding': 'gzip, deflate, br' },
        ...(init.signal ? { signal: init.signal } : {}),
      });
      request.on('error', fail);
      request.on('response', (answer) => {
        // An error that is thrown in an event handler would end the process (C5).
        try {
          done(toResponse(answer));
        } catch (error) {
          request.destroy();
          fail(error);
        }
      });
      request.end();
    });
}

// Node connects to what this gives, and to nothing else. For an address in the URL it does not ask: `readUrl` has checked it.
function checkedLookup(url: URL, hosts: HostRules, resolve: Resolve): LookupFunction {
  return (name, options, done) =>
    resolve(name, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return done(error, []);
      // One forbidden address among good ones is no accident worth connecting for.
      if (addresses.length === 0 || !addresses.every(({ address }) => hosts.permits(url, address)))
        return done(new Error('resolves to an address that is not public (allowHosts permits it)'), []);
      return options.all ? done(null, [...addresses]) : done(null, addresses[0]!.address, addresses[0]!.family);
    });
}

const DECODERS = { gzip: createGunzip, deflate: createInflate, br: createBrotliDecompress };

function toResponse(answer: IncomingMessage): Response {
  const { statusCode = 0, headers } = answer;
  if (statusCode !== 200) {
    // Nobody reads the rest of it.
    answer.destroy();
    const { location } = headers;
    return new Response(null, {
      status: statusCode >= 200 && statusCode <= 599 ? statusCode : 502,
      // For callers that follow redirects themselves, and check each one.
      headers: location === undefined ? {} : { location },
    });
  }
  const type = headers['content-type'];
  return new Response(Readable.toWeb(decoded(answer)) as ReadableStream, {
    headers: type === undefined ? {} : { 'content-type': type },
  });
}

function decoded(answer: IncomingMessage): Readable {
  const encoding = answer.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity') return answer;
  if (!Object.hasOwn(DECODERS, encoding)) throw new Error('unknown content encoding');
  // Both ends are destroyed together; the reader sees the error.
  return pipeline(answer, DECODERS[encoding as keyof typeof DECODERS](), () => {});
}
