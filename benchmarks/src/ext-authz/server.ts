/** The process that answers: the decision service of a gateway, or a bare gRPC server that says one thing to everybody. */
import process from 'node:process';
import { Server, ServerCredentials, type handleUnaryCall } from '@grpc/grpc-js';
import { createConfig, createLogger, startGateway } from '@watchword/gateway';
import { serve } from '../process/worker.ts';
import { AUDIENCE, ISSUER } from '../tokens/claims.ts';
import { watchPauses } from './pauses.ts';

/** Which of them, and whom it trusts. */
export interface ServerOrder {
  readonly kind: 'watchword' | 'bare';
  readonly jwksFile: string;
}

serve({ listen, cpu: () => process.cpuUsage(), pauses: watchPauses() });

async function listen({ kind, jwksFile }: ServerOrder): Promise<number> {
  if (kind === 'bare') return listenBare();
  const config = createConfig({
    listen: { port: 0 },
    control: { port: 0 },
    issuers: [{ issuer: ISSUER, audience: AUDIENCE, algorithms: ['ES256'], jwksFile }],
    txnToken: { trustDomain: 'inside.example' },
    decisionService: { extAuthz: { listen: { port: 0 } } },
    routes: [{ path: '/api/*' }],
  });
  const { servicePorts } = await startGateway(config, { logger: createLogger('silent') });
  return servicePorts.extAuthz!;
}

// What grpc-js itself costs: nothing is read, nothing decided, and the answer is as long as ours.
function listenBare(): Promise<number> {
  const answer = Buffer.from(`\n\0\x1a\0txn-token eyJ${'x'.repeat(500)}`, 'latin1');
  const same = (bytes: Buffer): Buffer => bytes;
  const check: handleUnaryCall<Buffer, Buffer> = (_call, callback) => callback(null, answer);
  const server = new Server();
  server.addService(
    {
      check: {
        path: '/envoy.service.auth.v3.Authorization/Check',
        requestStream: false,
        responseStream: false,
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      },
    },
    { check },
  );
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}
