/** Bytes over a socket, for what no HTTP client would send. */
import { connect } from 'node:net';

export interface RawAnswer {
  /** Everything received until the connection closed or the answer was complete. */
  readonly text: string;
  /** 0: the connection was closed without an answer. */
  readonly status: number;
  readonly body: string;
}

/** Sends bytes and reads until the server closes. Say `Connection: close` in the request, or expect a refusal that closes. */
export function sendRaw(port: number, bytes: string | Buffer, timeoutMs = 5000): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`No end of the answer within ${timeoutMs} ms: ${JSON.stringify(text)}`));
    }, timeoutMs);
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => (text += chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(parseAnswer(text));
    });
  });
}

/** A GET with these extra field lines, closing the connection afterwards. */
export function rawGet(target: string, fields: readonly string[] = [], host = 'api.example'): string {
  return [`GET ${target} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...fields, '', ''].join('\r\n');
}

function parseAnswer(text: string): RawAnswer {
  const split = text.indexOf('\r\n\r\n');
  return { text, status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), body: split < 0 ? '' : text.slice(split + 4) };
}
