/** One address for whichever server is the primary now, as a load balancer or a service name gives. */
import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';

export class Address {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #pairs = new Map<Socket, Socket>();
  #port: number;

  private constructor(port: number) {
    this.#port = port;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async of(server: { readonly port: number }): Promise<Address> {
    const address = new Address(server.port);
    address.#server.listen(0, '127.0.0.1');
    await once(address.#server, 'listening');
    return address;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on it leads to another server. */
  pointTo({ port }: { readonly port: number }): void {
    this.#port = port;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** What is asked on connections that are open now still arrives; the answers do not. */
  loseAnswers(): void {
    for (const [socket, target] of this.#pairs) {
      target.unpipe(socket);
      target.resume();
    }
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #accept(socket: Socket): void {
    const target = connect(this.#port, '127.0.0.1');
    this.#pairs.set(socket, target);
    for (const [one, other] of [
      [socket, target],
      [target, socket],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        this.#sockets.delete(one);
        this.#pairs.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}
