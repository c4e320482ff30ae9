/** A server on loopback for one test. */
import { once } from 'node:events';
import { type Http2Server, type ServerHttp2Session, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';

/** What is lent. */
export interface Lent {
  readonly origin: string;
  readonly port: number;
  readonly server: Http2Server;
  readonly sessions: ReadonlySet<ServerHttp2Session>;
}

/** Starts it, lends it, and ends it with all its connections. */
export async function withServer<Result>(
  listener: Parameters<typeof createServer>[1],
  work: (lent: Lent) => Promise<Result>,
  options: Parameters<typeof createServer>[0] = {},
): Promise<Result> {
  const server = createServer(options as object, listener as never);
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => sessions.add(session));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    return await work({ origin: `http://127.0.0.1:${port}`, port, server, sessions });
  } finally {
    for (const session of sessions) session.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}
