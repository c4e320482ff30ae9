import { once } from 'node:events';
import { type IncomingHttpHeaders, type ServerHttp2Session, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Client, Metadata, credentials } from '@grpc/grpc-js';
import { callerOf, createTrustDomain } from '@watchword/conformance';
import { type Identity, createPropagator, currentIdentity, runWithIdentity } from '@watchword/core';
import { type ClientInterceptorOptions, createClientInterceptor } from '@watchword/grpc';
import { beforeAll, describe, expect, it } from 'vitest';

const same = (bytes: Buffer): Buffer => bytes;
let identity: Identity;
let token: string;
beforeAll(async () => {
  ({ identity, token } = await callerOf(createTrustDomain(), 'user-1'));
});

describe('refuses', () => {
  it.each([
    [{ connectsTo: 'orders:50051' }, 'must be an http or https origin'],
    [{ connectsTo: 'dns:///orders:50051' }, 'must be an http or https origin'],
    [{}, 'must be an http or https origin'],
    [{ connectsTo: 'http://orders', authorization: 'outside' }, 'must be "strip" or "keep"'],
    [{ connectsTo: 'http://orders', target: 'x' }, 'clientInterceptor.target: unknown option'],
  ])('%j', (options, message) => {
    expect(() => createClientInterceptor(createPropagator({}), options as ClientInterceptorOptions)).toThrow(message);
  });
});

it('never takes `authorization` along, unless that is asked for', async () => {
  const metadata = new Metadata();
  metadata.set('Authorization', 'Bearer external');
  expect(await headersOf(metadata, {})).not.toHaveProperty('authorization');
  expect(await headersOf(metadata, { authorization: 'keep' })).toMatchObject({ authorization: 'Bearer external' });
});

it("leaves the caller's metadata as they are: used again elsewhere they carry no token", async () => {
  const metadata = new Metadata();
  metadata.set('x-mine', '1');
  expect(await headersOf(metadata, {})).toMatchObject({ 'x-mine': '1', 'txn-token': token });
  expect(metadata.getMap()).toEqual({ 'x-mine': '1' });
});

it('runs callbacks and events of all four kinds as the caller', async () => {
  const seen = new Set<string>();
  const look = (): void => void seen.add(currentIdentity().subject);
  await withClient({}, async (client) => {
    const kinds = [
      () => client.makeUnaryRequest('/t.T/a', same, same, Buffer.alloc(0), look),
      () => client.makeClientStreamRequest('/t.T/a', same, same, look),
      () => client.makeServerStreamRequest('/t.T/a', same, same, Buffer.alloc(0)),
      () => client.makeBidiStreamRequest('/t.T/a', same, same),
    ];
    for (const begin of kinds) {
      const call = runWithIdentity(identity, begin);
      call.on('metadata', look).on('status', look);
      if ('read' in call) call.on('data', look).on('end', look);
      if ('end' in call) (call.end as () => void)();
      await once(call, 'status');
    }
  });
  expect([...seen]).toEqual(['user-1']);
});

it('tells a call of the end of a connection that another caller opened as its own caller (D5)', async () => {
  const other = (await callerOf(createTrustDomain(), 'user-2')).identity;
  const seen = new Set<string>();
  const look = (): void => void seen.add(currentIdentity().subject);
  await withClient({}, async (client, _seen, drop) => {
    const first = runWithIdentity(other, () => client.makeServerStreamRequest('/t.T/a', same, same, Buffer.alloc(0)));
    await once(first.resume(), 'status');
    const call = runWithIdentity(identity, () => client.makeBidiStreamRequest('/t.T/silent', same, same));
    call.on('error', look).on('status', look);
    call.on('metadata', () => drop());
    await new Promise((resolve) => call.once('status', resolve));
  });
  expect([...seen]).toEqual(['user-1']);
});

// A server that answers each call with an empty message, and the header fields that reach it.
async function withClient(
  options: Partial<ClientInterceptorOptions>,
  work: (client: Client, seen: IncomingHttpHeaders[], drop: () => void) => Promise<void>,
): Promise<void> {
  const seen: IncomingHttpHeaders[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => {
    seen.push(headers);
    stream.on('error', () => undefined);
    stream.resume().respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    if (headers[':path'] !== '/t.T/silent') stream.end(Buffer.alloc(5));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const propagator = createPropagator({ destinations: [`http://${address}`] });
  const interceptors = [createClientInterceptor(propagator, { connectsTo: `http://${address}`, ...options })];
  const client = new Client(address, credentials.createInsecure(), { interceptors });
  await work(client, seen, () => sessions.forEach((session) => session.destroy()));
  client.close();
  await new Promise((resolve) => server.close(resolve));
}

async function headersOf(metadata: Metadata, options: Partial<ClientInterceptorOptions>): Promise<IncomingHttpHeaders> {
  let headers: IncomingHttpHeaders = {};
  await withClient(options, async (client, seen) => {
    await runWithIdentity(
      identity,
      () =>
        new Promise<void>((resolve, reject) => {
          client.makeUnaryRequest('/t.T/a', same, same, Buffer.alloc(0), metadata, (error) =>
            error ? reject(error) : resolve(),
          );
        }),
    );
    [headers] = seen as [IncomingHttpHeaders];
  });
  return headers;
}
