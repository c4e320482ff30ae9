/** The main thread's side of a thread that serves. */
import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createConfig } from '../../src/index.ts';
import { ServerThread } from '../../src/threads/server-thread.ts';

async function listening(): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => {}))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

test('a thread that cannot listen ends, whatever it has opened by then: it can be started again', async () => {
  const port = await listening();
  // Takes connections, and stands still: who follows a revocation log there tries again and again.
  const redis = await listening();
  const config = createConfig({
    listen: { port: 0 },
    control: { port: 0 },
    threads: 2,
    upstreams: { main: { url: 'http://127.0.0.1:1' } },
    routes: [{ path: '/*', upstream: 'main', public: true }],
    revocation: { log: { redis: `redis://127.0.0.1:${redis}` } },
    log: { level: 'silent' },
  });
  const nothing = { fileName: undefined, txnKey: undefined, signingKeys: undefined, table: undefined };
  const reasons: (string | undefined)[] = [];
  const thread = new ServerThread(
    { ...nothing, config, sources: [], thread: 1, port, logLevels: [], owed: [] },
    { said() {}, ended: (reason) => void reasons.push(reason) },
  );
  onTestFinished(() => thread.close(0));
  await expect(thread.listening).rejects.toThrow('could not listen: EADDRINUSE');
  await thread.gone;
  expect(reasons).toEqual(['EADDRINUSE']);
});
