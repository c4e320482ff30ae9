/** A real gRPC server and a real gRPC client, both grpc-js, with messages that are plain text. */
import {
  type Client,
  type ServiceDefinition,
  Server,
  ServerCredentials,
  type UntypedServiceImplementation,
  credentials,
  makeGenericClientConstructor,
} from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';

const toBytes = (text: string): Buffer => Buffer.from(text);
const toText = (bytes: Buffer): string => bytes.toString();

function method(name: string, requestStream: boolean, responseStream: boolean) {
  return {
    path: `/test.Echo/${name}`,
    requestStream,
    responseStream,
    requestSerialize: toBytes,
    requestDeserialize: toText,
    responseSerialize: toBytes,
    responseDeserialize: toText,
  };
}

export const ECHO: ServiceDefinition = {
  Unary: method('Unary', false, false),
  ServerStream: method('ServerStream', false, true),
  ClientStream: method('ClientStream', true, false),
  Bidi: method('Bidi', true, true),
};

export interface GrpcServer {
  readonly url: string;
  readonly server: Server;
}

export async function startGrpcServer(
  implementation: UntypedServiceImplementation,
  tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string },
  addTo: (server: Server) => void = () => {},
): Promise<GrpcServer> {
  const server = new Server();
  server.addService(ECHO, implementation);
  addTo(server);
  const pair = tls && [{ private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.cert) }];
  const clientCa = tls?.clientCa === undefined ? null : Buffer.from(tls.clientCa);
  const secure = pair && ServerCredentials.createSsl(clientCa, pair, clientCa !== null);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', secure ?? ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  onTestFinished(() => server.forceShutdown());
  return { url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`, server };
}

// oxlint-disable-next-line typescript/no-explicit-any -- grpc-js types a generic client so
export type EchoClient = Client & Record<string, (...args: any[]) => any>;

/** A client without TLS. */
export function createGrpcClient(port: number): EchoClient {
  const Echo = makeGenericClientConstructor(ECHO, 'Echo');
  const client = new Echo(`127.0.0.1:${port}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  return client as unknown as EchoClient;
}
