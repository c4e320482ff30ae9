/** A TCP relay that counts what goes through it, so that no counter of what is measured is believed. */
import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

/** A relay on loopback. */
export interface Wire {
  readonly port: number;
  /** Octets towards the server since the last call of `reset`. */
  sent(): number;
  /** Connections that are open now. */
  connections(): number;
  reset(): void;
  close(): Promise<void>;
}

/** Listens, and carries every connection on to `port`. */
export async function createWire(port: number): Promise<Wire> {
  let sent = 0;
  const near = new Set<Socket>();
  const server = createServer((socket) => {
    const far = connect(port, '127.0.0.1').setNoDelay();
    near.add(socket.setNoDelay());
    socket.on('data', (chunk) => {
      sent += chunk.length;
      far.write(chunk);
    });
    far.on('data', (chunk) => socket.write(chunk));
    socket.on('error', () => far.destroy()).on('close', () => (near.delete(socket), far.destroy()));
    far.on('error', () => socket.destroy()).on('close', () => socket.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sent: () => sent,
    connections: () => near.size,
    reset: () => void (sent = 0),
    async close() {
      for (const socket of near) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
