import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type ClientHttp2Session, type OutgoingHttpHeaders, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type Traffic, connect, createIndexing, serverOptions } from '@watchword/http2';
import { expect, it } from 'vitest';
import { createWire } from './wire.ts';

const TOKEN_BYTES = 450;

it('spends at most 30 octets per request on a warm connection with 1,000 callers', async () => {
  expect(await warmOctets({ callers: 1000, tables: 1000 })).toBeLessThan(30);
});

it('makes more than ten times as many with tables of the initial size: the sizes are what does it (ND-4)', async () => {
  expect(await warmOctets({ callers: 50, tables: 1 })).toBeGreaterThan(300);
  expect(await warmOctets({ callers: 50, tables: 50 })).toBeLessThan(30);
});

it('keeps the tokens indexed though each request has a trace id of its own', async () => {
  const trace = (): OutgoingHttpHeaders => ({ traceparent: `00-${randomBytes(16).toString('hex')}-0000000000000001-01` });
  // 55 characters, Huffman-coded, and nothing else.
  expect(await warmOctets({ callers: 100, tables: 100, more: trace })).toBeLessThan(30 + 55);
  expect(await warmOctets({ callers: 100, tables: 100, more: trace, isMarked: false })).toBeGreaterThan(150);
});

it('does not index the token where that is asked for (HP-8)', async () => {
  expect(await warmOctets({ callers: 2, tables: 100, index: 'never' })).toBeGreaterThan(300);
});

interface Case {
  readonly callers: number;
  /** Callers that the tables are made for. */
  readonly tables: number;
  readonly index?: 'auto' | 'never';
  readonly more?: () => OutgoingHttpHeaders;
  readonly isMarked?: boolean;
}

// Octets on the wire for each request once every token was sent twice.
async function warmOctets({ callers, tables, index = 'auto', more = () => ({}), isMarked = true }: Case): Promise<number> {
  const traffic: Traffic = { callers: tables, tokenBytes: TOKEN_BYTES };
  const server = createServer(serverOptions(traffic), (_req, res) => void res.end());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const wire = await createWire((server.address() as AddressInfo).port);
  const session = connect(`http://127.0.0.1:${wire.port}`, traffic);
  try {
    await once(session, 'remoteSettings');
    const indexing = createIndexing({ index });
    const tokens = Array.from({ length: callers }, () => randomBytes(TOKEN_BYTES).toString('base64url').slice(0, TOKEN_BYTES));
    const round = async (): Promise<void> => {
      for (let first = 0; first < callers; first += 50) {
        const calls = tokens.slice(first, first + 50).map((token) => {
          const headers = { 'txn-token': token, ...more() };
          return get(session, isMarked ? indexing(headers) : headers);
        });
        await Promise.all(calls);
      }
    };
    await round();
    await round();
    wire.reset();
    for (let rounds = 0; rounds < 3; rounds += 1) await round();
    return wire.sent() / (3 * callers);
  } finally {
    session.destroy();
    await wire.close();
    await new Promise((resolve) => server.close(resolve));
  }
}

async function get(session: ClientHttp2Session, headers: OutgoingHttpHeaders): Promise<void> {
  const stream = session.request({ ':path': '/orders', ...headers });
  await once(stream.resume(), 'close');
}
