/** An upstream that reads HTTP/1.1 to the letter and writes down what is not. */
import { type Socket, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface StrictEcho {
  readonly url: string;
  /** Targets of the whole requests that came. */
  readonly whole: string[];
  /** What broke a rule. */
  readonly violations: string[];
}

/** Answers each whole request with `echo TARGET`. */
export async function startStrictEcho(): Promise<StrictEcho> {
  const whole: string[] = [];
  const violations: string[] = [];
  const server = createServer((socket) => {
    let rest = '';
    socket.setEncoding('latin1').on('error', () => {});
    socket.on('data', (chunk: string) => {
      rest += chunk;
      try {
        for (let request = read(rest); request !== undefined; request = read(rest)) {
          rest = rest.slice(request.length);
          whole.push(request.target);
          answer(socket, request.target);
        }
      } catch (error) {
        violations.push((error as Error).message);
        socket.destroy();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, whole, violations };
}

function answer(socket: Socket, target: string): void {
  const body = `echo ${target}\n`;
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
}

function read(text: string): { target: string; length: number } | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [line, ...fields] = text.slice(0, end).split('\r\n');
  const target = /^[A-Z]+ (\/[!-"$-~]*) HTTP\/1\.1$/.exec(line!)?.[1];
  if (target === undefined) throw new Error(`request line ${JSON.stringify(line)}`);
  const names: string[] = [];
  let length: number | undefined;
  for (const field of fields) {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\t -~\x80-\xff]*)$/.exec(field) ?? [];
    if (name === undefined) throw new Error(`field line ${JSON.stringify(field)}`);
    names.push(name.toLowerCase());
    if (names.at(-1) === 'content-length') {
      if (!/^[0-9]+$/.test(value!)) throw new Error('content-length');
      length = Number(value);
    }
    if (names.at(-1) === 'transfer-encoding' && value !== 'chunked') throw new Error('transfer-encoding');
  }
  for (const name of ['host', 'x-forwarded-for', 'x-forwarded-host']) {
    // What came in behind the back of the edge has none of its fields.
    if (names.filter((one) => one === name).length !== 1) throw new Error(`not one ${name} for ${target}`);
  }
  const isChunked = names.includes('transfer-encoding');
  if (isChunked && length !== undefined) throw new Error('two framings');
  const start = end + 4;
  if (isChunked) {
    const bodyLength = readChunks(text.slice(start));
    return bodyLength === undefined ? undefined : { target, length: start + bodyLength };
  }
  return text.length < start + (length ?? 0) ? undefined : { target, length: start + (length ?? 0) };
}

function readChunks(text: string): number | undefined {
  let at = 0;
  for (;;) {
    const end = text.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const size = text.slice(at, end);
    if (!/^[0-9a-fA-F]{1,8}$/.test(size)) throw new Error(`chunk size ${JSON.stringify(size)}`);
    const bytes = Number.parseInt(size, 16);
    if (text.length < end + 2 + bytes + 2) return undefined;
    if (text.slice(end + 2 + bytes, end + 4 + bytes) !== '\r\n') throw new Error('end of a chunk');
    at = end + 4 + bytes;
    if (bytes === 0) return at;
  }
}
