/** One question to a target: are you well? */
import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import type { HealthConfig } from '../config/sections/upstreams.ts';
import { frameGrpc } from '../grpc.ts';
import type { Exchange, Flow, Target, TargetRequest } from './target.ts';

/** Asks once. Resolves when the answer is whole, when there is none, or when `stop` is called. Never rejects. */
export function askHealth(target: Target, config: HealthConfig, stop: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = new Probe(config.grpcService !== undefined, resolve);
    stop.addEventListener('abort', () => probe.giveUp(), { once: true });
    target.send(questionOf(config), probe);
  });
}

// Longer answers than any health check has are not read.
const ANSWER_BYTES = 65_536;
// grpc.health.v1.HealthCheckResponse with `status: SERVING`: field 1, varint 1.
const SERVING = Buffer.from([0x08, 0x01]);

class Probe implements Exchange {
  readonly #isGrpc: boolean;
  readonly #tell: (isHealthy: boolean) => void;
  #flow: Flow | undefined = undefined;
  #status = 0;
  #grpcStatus: unknown = undefined;
  #body: Buffer[] = [];
  #bytes = 0;
  #gaveUp = false;

  constructor(isGrpc: boolean, tell: (isHealthy: boolean) => void) {
    this.#isGrpc = isGrpc;
    this.#tell = tell;
  }

  giveUp(): void {
    this.#gaveUp = true;
    this.#flow?.abort(new Error('The health check took too long'));
    this.#tell(false);
  }

  onRequestStart(flow: Flow): void {
    this.#flow = flow;
    if (this.#gaveUp) flow.abort(new Error('The health check took too long'));
  }

  onResponseStart(_flow: Flow, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#grpcStatus = headers['grpc-status'];
  }

  onResponseData(flow: Flow, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > ANSWER_BYTES) flow.abort(new Error('The answer to the health check is too long'));
    else if (this.#isGrpc) this.#body.push(chunk);
  }

  onResponseEnd(_flow: Flow, trailers: IncomingHttpHeaders): void {
    const isGood = this.#status >= 200 && this.#status < 300;
    this.#tell(isGood && (!this.#isGrpc || this.#isServing(trailers['grpc-status'] ?? this.#grpcStatus)));
  }

  onResponseError(): void {
    this.#tell(false);
  }

  #isServing(grpcStatus: unknown): boolean {
    // One octet for the compression, four for the length, then the message.
    return grpcStatus === '0' && Buffer.concat(this.#body).subarray(5).equals(SERVING);
  }
}

function questionOf({ path, grpcService = '' }: HealthConfig): TargetRequest {
  if (path !== undefined) return { method: 'GET', path, headers: ['user-agent', 'watchword-health'], body: null };
  return {
    method: 'POST',
    path: '/grpc.health.v1.Health/Check',
    headers: ['content-type', 'application/grpc'],
    body: Readable.from([grpcQuestion(grpcService)]),
  };
}

// grpc.health.v1.HealthCheckRequest: field 1, the name of the service.
function grpcQuestion(service: string): Buffer {
  const name = Buffer.from(service);
  return frameGrpc(name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]));
}
