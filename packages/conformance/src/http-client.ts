/** A plain HTTP/1.1 client that sends exactly what it is told, duplicates and all. */
import { type IncomingMessage, Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { SuiteRequest, SuiteResponse } from './contract.ts';

/** Sends requests over a bounded number of connections that are reused, so that callers share sockets. */
export interface HttpClient {
  send(origin: string, call: SuiteRequest): Promise<SuiteResponse>;
  close(): void;
}

/** Makes a client. */
export function createHttpClient(maxSockets = 20): HttpClient {
  const agent = new Agent({ keepAlive: true, maxSockets });
  return {
    send: (origin, call) => send(agent, origin, call),
    close: () => agent.destroy(),
  };
}

async function send(agent: Agent, origin: string, call: SuiteRequest): Promise<SuiteResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  // A flat list of names and values is the form in which node:http sends duplicates as they are.
  const headers = [['Host', new URL(origin).host], ...call.headers, ...framing(call)].flat() as string[];
  const req = request(new URL(call.path, origin), { method: call.method, headers, agent }, resolve);
  // A refusal may come, and the connection go, before the body is complete.
  req.on('error', reject);
  await sendChunks(req, call);
  const res = await promise;
  return { status: res.statusCode!, headers: singleValues(res), body: await text(res) };
}

function framing(call: SuiteRequest): string[][] {
  return call.chunks
    ? [
        ['Content-Type', 'application/json'],
        ['Transfer-Encoding', 'chunked'],
      ]
    : [];
}

async function sendChunks(req: ReturnType<typeof request>, call: SuiteRequest): Promise<void> {
  req.flushHeaders();
  for (const chunk of call.chunks ?? []) {
    req.write(chunk);
    await pause(call.pauseMs ?? 0);
  }
  req.end();
}

function singleValues(res: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(res.headers).map(([name, value]) => [name, String(value)]));
}

async function text(res: IncomingMessage): Promise<string> {
  res.setEncoding('utf8');
  let body = '';
  for await (const chunk of res) body += chunk as string;
  return body;
}
