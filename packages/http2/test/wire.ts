/** A TCP relay that counts what goes through it, so that no counter of the code under test is believed. */
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

/** A relay on loopback. */
export interface Wire {
  readonly port: number;
  /** Octets towards the server and back since the last call of `reset`. */
  sent(): number;
  received(): number;
  reset(): void;
  close(): Promise<void>;
}

/** Listens, and carries every connection on to `port`. */
export async function createWire(port: number): Promise<Wire> {
  let sent = 0;
  let received = 0;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    near.on('data', (chunk) => void ((sent += chunk.length), far.write(chunk)));
    far.on('data', (chunk) => void ((received += chunk.length), near.write(chunk)));
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket.setNoDelay());
      socket.on('error', () => other.destroy()).on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    sent: () => sent,
    received: () => received,
    reset: () => void ((sent = 0), (received = 0)),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
