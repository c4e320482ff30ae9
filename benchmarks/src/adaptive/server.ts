/** The server: a node:http service behind a cached verifier, whose signature checks are inline or adaptive. */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { subscribe } from 'node:diagnostics_channel';
import process from 'node:process';
import {
  type AlgorithmName,
  type Pipeline,
  SIGNATURE_CHECK_CHANNEL,
  createAdaptiveChecks,
  createCachedVerifier,
  createLocalKeys,
  createPipeline,
  createVerifier,
  fromRawHeaders,
  inlineChecks,
  toProblem,
} from '@watchword/core';
import { serve } from '../process/worker.ts';
import { AUDIENCE, ISSUER } from '../tokens/claims.ts';

/** What the server trusts, and how it checks. */
export interface ServerOrder {
  readonly checks: 'inline' | 'adaptive';
  readonly algorithm: AlgorithmName;
  readonly kid: string;
  readonly pem: string;
  /** Verdicts kept: fewer than there are tokens that shall miss. */
  readonly cacheEntries: number;
}

/** What it counted since it was asked last. */
export interface ServerCounts {
  readonly signatureChecks: number;
  /** Share of a core in use. */
  readonly load: number;
}

let signatureChecks = 0;
let asked = { cpu: process.cpuUsage(), atMs: performance.now() };

subscribe(SIGNATURE_CHECK_CHANNEL, () => {
  signatureChecks += 1;
});
serve({ listen, counts });

async function listen({ checks, algorithm, kid, pem, cacheEntries }: ServerOrder): Promise<number> {
  const keys = createLocalKeys({ issuer: ISSUER, keys: [{ alg: algorithm, kid, pem }] });
  const plain = createVerifier({
    issuers: [{ issuer: ISSUER, audience: AUDIENCE, algorithms: [algorithm], keys }],
    checks: checks === 'adaptive' ? createAdaptiveChecks() : inlineChecks,
  });
  const pipeline = createPipeline({
    source: 'bearer',
    verifier: createCachedVerifier(plain, { maxEntries: cacheEntries }),
  });
  const server = createServer((request, response) => void answer(pipeline, request, response)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as AddressInfo).port;
}

// By hand, because the clients read nothing but answers that say their length first.
async function answer(pipeline: Pipeline, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    await pipeline.admit(fromRawHeaders(request.rawHeaders));
    response.writeHead(200, { 'content-length': 2 }).end('ok');
  } catch (error) {
    const { status, headers, body } = toProblem(error);
    response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
  }
}

function counts(): ServerCounts {
  const [cpu, atMs] = [process.cpuUsage(asked.cpu), performance.now()];
  const answer = { signatureChecks, load: (cpu.user + cpu.system) / 1000 / (atMs - asked.atMs) };
  signatureChecks = 0;
  asked = { cpu: process.cpuUsage(), atMs };
  return answer;
}
