/** A TCP server that speaks just enough HTTP/1.1 to fail in every place, and counts each request of which it saw a byte. */
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { onTestFinished } from 'vitest';

/** What becomes of a request, or of a connection. */
export type Fault =
  | 'answer'
  | 'answer and close'
  | 'unavailable'
  | 'reset'
  | 'close'
  | 'reset after the body'
  | 'close after the body'
  | 'half a header'
  | 'half a body'
  | 'reset the connection';

export interface FaultyUpstream {
  readonly url: string;
  /** How often a request was seen, by its `x-id`. */
  readonly deliveries: Map<string, number>;
}

/** @param choose asked once for each connection (`reset the connection` counts only then) and once for each request */
export async function startFaultyUpstream(choose: (isConnection: boolean) => Fault): Promise<FaultyUpstream> {
  const deliveries = new Map<string, number>();
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
    if (choose(true) === 'reset the connection') socket.resetAndDestroy();
    else serve(socket, choose, deliveries);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, deliveries };
}

function serve(socket: Socket, choose: (isConnection: boolean) => Fault, deliveries: Map<string, number>): void {
  let text = '';
  let seen = '';
  let fault: Fault = 'answer';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    text += chunk;
    for (;;) {
      const id = /x-id: (\S+)\r\n/i.exec(text)?.[1];
      if (id !== undefined && id !== seen) {
        seen = id;
        count(deliveries, id);
        fault = choose(false);
        if (fault === 'reset') return void socket.resetAndDestroy();
        if (fault === 'close') return void socket.destroy();
      }
      const head = text.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = head + 4 + Number(/content-length: (\d+)/i.exec(text.slice(0, head))?.[1] ?? 0);
      if (text.length < length) return;
      text = text.slice(length);
      seen = '';
      if (!answer(socket, fault, id ?? '')) return;
    }
  });
}

/** Returns whether the connection goes on. */
function answer(socket: Socket, fault: Fault, id: string): boolean {
  const whole = `HTTP/1.1 200 OK\r\ncontent-length: ${id.length}\r\n\r\n${id}`;
  switch (fault) {
    case 'unavailable':
      return socket.write('HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n') || true;
    case 'reset after the body':
      socket.resetAndDestroy();
      return false;
    case 'close after the body':
      socket.destroy();
      return false;
    case 'half a header':
      socket.end('HTTP/1.1 200 O');
      return false;
    case 'half a body':
      socket.end(whole.slice(0, -1));
      return false;
    case 'answer and close':
      // Without saying so: the next request on this connection meets the end of it.
      socket.write(whole);
      setTimeout(() => socket.destroy(), 1);
      return true;
    default:
      return socket.write(whole) || true;
  }
}

function count(map: Map<string, number>, id: string): void {
  map.set(id, (map.get(id) ?? 0) + 1);
}
