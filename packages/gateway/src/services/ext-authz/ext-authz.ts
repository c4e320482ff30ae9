/** Envoy's external authorization over gRPC: `envoy.service.auth.v3.Authorization/Check` (XA-1). */
import { type Server as NetServer, type Socket, createServer } from 'node:net';
import { Server, ServerCredentials, type ServerUnaryCall, type ServiceDefinition, type sendUnaryData } from '@grpc/grpc-js';
import type { WatchwordError } from '@watchword/core';
import { Decision } from '../../decision/decision.ts';
import { describeRefusal } from '../../decision/refusal-answer.ts';
import type { DecisionService } from '../decision-service.ts';
import { type Asker, type JudgeOptions, type ReportedRequest, judge } from '../judge.ts';
import type { IsTrustedPeer } from '../trusted-peers.ts';
import { readCheckRequest } from './check-request.ts';
import { allowed, denied } from './check-response.ts';
import { HEALTH, createHealthCheck } from './health.ts';

/** What the service is made of. */
export interface ExtAuthzOptions extends JudgeOptions {
  readonly isTrusted: IsTrustedPeer;
  readonly isReady: () => boolean;
}

/** A description of a request is as long as its header; bodies are not looked at. Beyond it the call fails (F6). */
const LONGEST_MESSAGE = 1_048_576;

const AUTHORIZATION = 'envoy.service.auth.v3.Authorization';

const DEFINITION: ServiceDefinition = {
  check: {
    path: `/${AUTHORIZATION}/Check`,
    requestStream: false,
    responseStream: false,
    // Bytes in, bytes out: what cannot be read is answered as a refusal, not as a failed call (E13).
    requestSerialize: asItIs,
    requestDeserialize: asItIs,
    responseSerialize: asItIs,
    responseDeserialize: asItIs,
  },
};

/** Creates the service. It does not listen yet. */
export function createExtAuthz(options: ExtAuthzOptions): DecisionService {
  const grpc = new Server({ 'grpc.max_receive_message_length': LONGEST_MESSAGE, 'grpc.enable_channelz': 0 });
  grpc.addService(DEFINITION, {
    check: (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) =>
      judge(() => readCheckRequest(call.request), new Caller(call, callback), options),
  });
  grpc.addService(HEALTH, { check: createHealthCheck(options.isReady, [AUTHORIZATION]) });
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  // A listener of our own: it can share its port with other threads, and knows who connects before a byte is read.
  const listener: NetServer = createServer({ noDelay: true, keepAlive: true }, (socket: Socket) => {
    if (options.isTrusted(socket.remoteAddress)) {
      injector.injectConnection(socket);
      return;
    }
    options.tally.untrusted += 1;
    socket.destroy();
  });
  return {
    listener,
    async close(timeoutMs) {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      const timer = setTimeout(() => grpc.forceShutdown(), timeoutMs);
      await new Promise<void>((resolve) => grpc.tryShutdown(() => resolve()));
      await closed;
      clearTimeout(timer);
    },
  };
}

class Caller implements Asker {
  readonly #call: ServerUnaryCall<Buffer, Buffer>;
  readonly #answer: sendUnaryData<Buffer>;

  constructor(call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) {
    this.#call = call;
    this.#answer = answer;
  }

  // Also when the proxy's deadline has passed.
  get gone(): boolean {
    return this.#call.cancelled;
  }

  allow(decision: Decision, { headers }: ReportedRequest): void {
    this.#answer(null, allowed(Decision.txnTokenOf(decision), headers.forbidden));
  }

  refuse(error: WatchwordError): void {
    this.#answer(null, denied(describeRefusal(error), error.facts.grpc));
  }
}

function asItIs(bytes: Buffer): Buffer {
  return bytes;
}
