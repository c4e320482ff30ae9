import { Client, Metadata, credentials } from '@grpc/grpc-js';
import { outgoingConformance, serverConformance } from '@watchword/conformance';
import { createClientInterceptor } from '@watchword/grpc';
import { startGrpc } from './host.ts';

const same = (bytes: Buffer): Buffer => bytes;

serverConformance('@watchword/grpc', startGrpc);

outgoingConformance(
  'createClientInterceptor',
  (propagator) => {
    const clients = new Map<string, Client>();
    const clientOf = (origin: string): Client => {
      const known = clients.get(origin);
      if (known) return known;
      const interceptors = [createClientInterceptor(propagator, { connectsTo: origin })];
      const client = new Client(new URL(origin).host, credentials.createInsecure(), { interceptors });
      clients.set(origin, client);
      return client;
    };
    return {
      async get(url, headers = {}) {
        const { origin } = new URL(url);
        const metadata = new Metadata();
        for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
        await new Promise<void>((resolve, reject) => {
          clientOf(origin).makeUnaryRequest(url.slice(origin.length), same, same, Buffer.alloc(0), metadata, (error) =>
            error ? reject(error) : resolve(),
          );
        });
        return { status: 200 };
      },
      close: async () => [...clients.values()].forEach((client) => client.close()),
    };
  },
  'h2c',
);
