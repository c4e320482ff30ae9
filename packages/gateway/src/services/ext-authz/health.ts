/** `grpc.health.v1.Health/Check`, as Envoy and Kubernetes ask it (github.com/grpc/grpc/blob/master/doc/health-checking.md). */
import { type ServiceDefinition, type handleUnaryCall, status } from '@grpc/grpc-js';
import { WireReader } from './wire-reader.ts';
import { numberField, toBytes } from './wire-writer.ts';

/** The service. */
export const HEALTH: ServiceDefinition = {
  check: {
    path: '/grpc.health.v1.Health/Check',
    requestStream: false,
    responseStream: false,
    requestSerialize: asItIs,
    requestDeserialize: asItIs,
    responseSerialize: asItIs,
    responseDeserialize: asItIs,
  },
};

const SERVING = toBytes(numberField(1, 1));
const NOT_SERVING = toBytes(numberField(1, 2));

/** @param names services that are asked about by name; the empty name is the server as a whole */
export function createHealthCheck(isReady: () => boolean, names: readonly string[]): handleUnaryCall<Buffer, Buffer> {
  const known = new Set(['', ...names]);
  return ({ request }, callback) => {
    const name = serviceOf(request);
    if (name === undefined || !known.has(name)) callback({ code: status.NOT_FOUND, details: 'unknown service' });
    else callback(null, isReady() ? SERVING : NOT_SERVING);
  };
}

function serviceOf(request: Buffer): string | undefined {
  let name = '';
  try {
    const reader = new WireReader(request);
    while (reader.next()) {
      if (reader.field === 1) name = reader.text();
      else reader.skip();
    }
    return name;
  } catch {
    return undefined;
  }
}

function asItIs(bytes: Buffer): Buffer {
  return bytes;
}
