/** Which protocol a cleartext connection speaks: its first bytes tell (RFC 9113 section 3.3). */
import type { Socket } from 'node:net';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/**
 * Looks at the first bytes and gives them back to the socket. A connection that sends nothing in time is closed.
 * @param decided is told once, unless the connection ends before
 */
export function sniffPreface(socket: Socket, timeoutMs: number, decided: (isHttp2: boolean) => void): void {
  let seen: Buffer | undefined;
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  const stop = (): void => {
    clearTimeout(timer);
    socket.off('readable', look);
    socket.off('close', stop);
  };
  const look = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) {
      if (socket.readableEnded) socket.destroy();
      return;
    }
    seen = seen === undefined ? chunk : Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, PREFACE.length);
    const isPreface = seen.compare(PREFACE, 0, length, 0, length) === 0;
    if (isPreface && length < PREFACE.length) return;
    stop();
    socket.unshift(seen);
    decided(isPreface);
    socket.off('error', ignore);
    socket.off('end', endNow);
  };
  // Nobody else listens yet, and an error without a listener ends the process (F5).
  socket.on('error', ignore).on('end', endNow);
  socket.on('readable', look).on('close', stop);
}

// The server lets the other side close first, which nobody would answer here.
function endNow(this: Socket): void {
  this.destroy();
}

function ignore(): void {}
