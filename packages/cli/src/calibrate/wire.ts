/** A relay on loopback that counts octets, so that no counter of what is measured is believed. */
import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

/** A relay. */
export interface Wire {
  readonly port: number;
  /** Octets towards the server so far. */
  sent(): number;
  close(): Promise<void>;
}

/** Listens, and passes every connection on to `port`. */
export async function openWire(port: number): Promise<Wire> {
  let sent = 0;
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port, host: '127.0.0.1', noDelay: true });
    open.add(near);
    near.on('data', (chunk) => {
      sent += chunk.length;
      far.write(chunk);
    });
    far.on('data', (chunk) => near.write(chunk));
    near.on('error', () => far.destroy()).on('close', () => (open.delete(near), far.destroy()));
    far.on('error', () => near.destroy()).on('close', () => near.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sent: () => sent,
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
