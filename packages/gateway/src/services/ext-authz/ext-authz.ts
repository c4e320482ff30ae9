/** Envoy's external authorization over gRPC: `envoy.service.auth.v3.Authorization/Check` (XA-1). */
import { type Server as NetServer, type Socket, createServer } from 'node:net';
import type { WatchwordError } from '@watchword/core';
import { Decision } from '../../decision/decision.ts';
import { describeRefusal } from '../../decision/refusal-answer.ts';
import type { DecisionService } from '../decision-service.ts';
import { type Asker, type JudgeOptions, type ReportedRequest, judge } from '../judge.ts';
import type { IsTrustedPeer } from '../trusted-peers.ts';
import { readCheckRequest } from './check-request.ts';
import { allowed, denied } from './check-response.ts';
import type { GrpcCall, GrpcMethod } from './grpc-call.ts';
import { createGrpcService } from './grpc-service.ts';
import { HEALTH_CHECK, createHealthCheck } from './health.ts';

/** What the service is made of. */
export interface ExtAuthzOptions extends JudgeOptions {
  readonly isTrusted: IsTrustedPeer;
  readonly isReady: () => boolean;
}

const AUTHORIZATION = 'envoy.service.auth.v3.Authorization';

/** Creates the service. It does not listen yet. */
export function createExtAuthz(options: ExtAuthzOptions): DecisionService {
  // What cannot be read is answered as a refusal, not as a failed call (E13).
  const check: GrpcMethod = (request, call) => judge(() => readCheckRequest(request), new Caller(call), options);
  const grpc = createGrpcService(
    new Map([
      [`/${AUTHORIZATION}/Check`, check],
      [HEALTH_CHECK, createHealthCheck(options.isReady, [AUTHORIZATION])],
    ]),
  );
  // A listener of our own: it can share its port with other threads, and knows who connects before a byte is read.
  const listener: NetServer = createServer({ noDelay: true, keepAlive: true }, (socket: Socket) => {
    if (options.isTrusted(socket.remoteAddress)) {
      grpc.accept(socket);
      return;
    }
    options.tally.untrusted += 1;
    socket.destroy();
  });
  return {
    listener,
    async close(timeoutMs) {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      await grpc.close(timeoutMs);
      await closed;
    },
  };
}

class Caller implements Asker {
  readonly #call: GrpcCall;

  constructor(call: GrpcCall) {
    this.#call = call;
  }

  // Also when the proxy's deadline has passed.
  get gone(): boolean {
    return this.#call.gone;
  }

  allow(decision: Decision, { headers }: ReportedRequest): void {
    this.#call.answer(allowed(Decision.txnTokenOf(decision), headers.forbidden));
  }

  refuse(error: WatchwordError): void {
    this.#call.answer(denied(describeRefusal(error), error.facts.grpc));
  }
}
