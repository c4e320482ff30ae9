/** `grpc.health.v1.Health/Check`, as Envoy and Kubernetes ask it (github.com/grpc/grpc/blob/master/doc/health-checking.md). */
import { GRPC_STATUS, type GrpcMethod } from './grpc-call.ts';
import { WireReader } from './wire-reader.ts';
import { numberField, toBytes } from './wire-writer.ts';

/** The path of the method. */
export const HEALTH_CHECK = '/grpc.health.v1.Health/Check';

const SERVING = toBytes(numberField(1, 1));
const NOT_SERVING = toBytes(numberField(1, 2));

/** @param names services that are asked about by name; the empty name is the server as a whole */
export function createHealthCheck(isReady: () => boolean, names: readonly string[]): GrpcMethod {
  const known = new Set(['', ...names]);
  return (request, call) => {
    const name = serviceOf(request);
    if (name === undefined || !known.has(name)) call.fail(GRPC_STATUS.notFound, 'unknown service');
    else call.answer(isReady() ? SERVING : NOT_SERVING);
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
