import { readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { createEdge } from '../../src/front/edge.ts';
import { createConfig } from '../../src/index.ts';
import { readTls } from '../../src/front/tls.ts';
import { StreamGuard } from '../../src/front/stream-guard.ts';
import { makeCertificate } from '../support/certificates.ts';
import type { AddressInfo } from 'node:net';

async function nameShownBy(port: number): Promise<unknown> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return subject.CN;
}

test('new connections get the new certificate, and the client certificate is seen by the decision', async () => {
  const [old, next, client] = [makeCertificate('old'), makeCertificate('next'), makeCertificate('client-1')];
  const config = createConfig({
    listen: { port: 0, tls: { certFile: old.certFile, keyFile: old.keyFile, clientAuth: 'request' } },
    upstreams: { main: { url: 'http://127.0.0.1:1' } },
    routes: [{ path: '/', upstream: 'main', public: true }],
  });
  const shown: (Buffer | undefined)[] = [];
  const tally = { openStreams: 0, endedStreams: new Map() };
  const edge = createEdge({
    decide(request) {
      shown.push(request.clientCertificate);
      throw new Error('enough');
    },
    upstreams: undefined as never,
    limits: config.limits,
    listen: config.listen,
    tls: readTls(config),
    streams: new StreamGuard({ verifier: undefined, authorize: () => {}, tally }),
    takesUpgrades: false,
    observer: { answered: () => {}, refused: () => {}, removedTxnTokens: () => {} },
  });
  await new Promise<void>((resolve) => edge.server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    edge.closeAll();
    edge.server.close();
  });
  const { port } = edge.server.address() as AddressInfo;
  expect(await nameShownBy(port)).toBe('old');
  writeFileSync(old.certFile, readFileSync(next.certFile));
  writeFileSync(old.keyFile, readFileSync(next.keyFile));
  edge.setTls(readTls(config)!);
  expect(await nameShownBy(port)).toBe('next');
  for (const options of [{ cert: client.cert, key: client.key }, {}]) {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
    await once(socket, 'secureConnect');
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await once(socket.resume(), 'close');
  }
  const der = Buffer.from(client.cert.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  expect(shown[0]?.equals(der)).toBe(true);
  expect(shown[1]).toBeUndefined();
});
