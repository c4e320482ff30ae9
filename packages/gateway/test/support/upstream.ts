/** A real upstream that remembers what it received. */
import { type IncomingMessage, type RequestListener, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface SeenRequest {
  readonly method: string;
  readonly target: string;
  /** Name, value, name, value, ... exactly as on the wire. */
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage['headers'];
}

export interface TestUpstream {
  readonly url: string;
  readonly port: number;
  readonly seen: SeenRequest[];
  /** Stops it, connections included. */
  stop(): Promise<void>;
}

export async function startUpstream(answer: RequestListener = answerOk): Promise<TestUpstream> {
  const seen: SeenRequest[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const { method, url, rawHeaders, headers } = request;
    seen.push({ method: method!, target: url!, rawHeaders, headers });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  onTestFinished(stop);
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, seen, stop };
}

export function answerOk(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  request.on('end', () => {
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.end('ok');
  });
}

export function valuesOf(seen: SeenRequest, name: string): string[] {
  return seen.rawHeaders.filter((_, index) => index % 2 === 1 && seen.rawHeaders[index - 1]!.toLowerCase() === name);
}
