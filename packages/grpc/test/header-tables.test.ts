/** Octets on the wire of gRPC calls, counted by a relay in between. */
import http2 from 'node:http2';
import { Client, Metadata, Server, credentials } from '@grpc/grpc-js';
import { callerOf, createTrustDomain } from '@watchword/conformance';
import { type Identity, createPropagator, runWithIdentity } from '@watchword/core';
import { createClientInterceptor, createServerInterceptor, implement, sizeHeaderTables } from '@watchword/grpc';
import { afterEach, describe, expect, it } from 'vitest';
import { createWire } from '../../http2/test/wire.ts';
import { BYTES, bind } from './host.ts';

const same = (bytes: Buffer): Buffer => bytes;
let undo = (): void => undefined;
afterEach(() => undo());

describe('grpc-js', () => {
  it('spends at most 30 octets more per warm call of 200 callers than of one, once its tables are sized', async () => {
    const one = await warmOctets(1);
    undo = sizeHeaderTables({ callers: 200 });
    expect((await warmOctets(200)) - one).toBeLessThan(30);
  });

  it('sends most tokens in full with the tables that it opens by itself', async () => {
    const one = await warmOctets(1);
    expect((await warmOctets(200)) - one).toBeGreaterThan(250);
  });

  it('sends them in full too when only the client has a larger table: both ends are needed', async () => {
    const one = await warmOctets(1);
    const restore = http2.createServer;
    undo = sizeHeaderTables({ callers: 200 });
    http2.createServer = restore;
    expect((await warmOctets(200)) - one).toBeGreaterThan(250);
  });

  it('does not index the token where that is asked for (HP-8)', async () => {
    const one = await warmOctets(1);
    undo = sizeHeaderTables({ callers: 200, index: 'never' });
    expect((await warmOctets(2)) - one).toBeGreaterThan(250);
  });
});

it('leaves everybody else as they are, and puts the functions back', async () => {
  const { connect, createServer } = http2;
  undo = sizeHeaderTables({ callers: 200 });
  expect(http2.connect).not.toBe(connect);
  const server = http2.createServer((_req, res) => void res.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const session = http2.connect(`http://127.0.0.1:${(server.address() as { port: number }).port}`);
  await new Promise((resolve) => session.once('remoteSettings', resolve));
  expect(session.remoteSettings.headerTableSize).toBe(4096);
  session.destroy();
  server.close();
  undo();
  expect([http2.connect, http2.createServer]).toEqual([connect, createServer]);
});

// Octets towards the server for each call once every caller has called twice.
async function warmOctets(callers: number): Promise<number> {
  const trust = createTrustDomain();
  const definition = { get: { path: '/t.T/get', requestStream: false, responseStream: false, ...BYTES } };
  const server = new Server({ interceptors: [createServerInterceptor(trust.createPipeline())] });
  server.addService(definition, implement(definition, { get: () => Buffer.alloc(0) }));
  const wire = await createWire(await bind(server));
  const origin = `http://127.0.0.1:${wire.port}`;
  const interceptors = [createClientInterceptor(createPropagator({ destinations: [origin] }), { connectsTo: origin })];
  const client = new Client(`127.0.0.1:${wire.port}`, credentials.createInsecure(), {
    interceptors,
    'grpc.use_local_subchannel_pool': 1,
  });
  const identities = await Promise.all(Array.from({ length: callers }, (_, index) => callerOf(trust, `user-${index}`)));
  const get = ({ identity }: { identity: Identity }): Promise<void> =>
    runWithIdentity(
      identity,
      () =>
        new Promise((resolve, reject) => {
          // A deadline, as calls should have: its rest is different in each of them.
          const options = { deadline: Date.now() + 20_000 };
          client.makeUnaryRequest('/t.T/get', same, same, Buffer.alloc(0), new Metadata(), options, (error) =>
            error ? reject(error) : resolve(),
          );
        }),
    );
  const round = async (): Promise<void> => {
    for (let first = 0; first < callers; first += 50) await Promise.all(identities.slice(first, first + 50).map(get));
  };
  await round();
  await round();
  wire.reset();
  const rounds = callers === 1 ? 20 : 2;
  for (let done = 0; done < rounds; done += 1) await round();
  const octets = wire.sent() / (rounds * callers);
  client.close();
  server.forceShutdown();
  await wire.close();
  return octets;
}
