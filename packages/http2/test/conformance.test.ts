import { outgoingConformance, serverConformance } from '@watchword/conformance';
import { createFetch, propagate } from '@watchword/fetch';
import { createDispatcherFactory, createHttp2Client } from '@watchword/http2';
import { Agent, fetch, request } from 'undici';
import { startRequests, startStreams } from './host.ts';

const traffic = { callers: 100 };

serverConformance('@watchword/http2, requests and responses', startRequests);
serverConformance('@watchword/http2, streams', startStreams);

outgoingConformance(
  'createHttp2Client',
  (propagator) => {
    const client = createHttp2Client({ propagator, traffic });
    return {
      async get(url, headers = {}) {
        const stream = client.request(url, { ...headers });
        const status = await new Promise<number>((resolve, reject) => {
          stream.once('error', reject).once('response', (answer) => resolve(Number(answer[':status'])));
        });
        await new Promise((resolve) => stream.once('close', resolve).resume());
        return { status };
      },
      close: () => client.close(),
    };
  },
  'h2c',
);

outgoingConformance(
  'propagate() on an undici Agent over node:http2',
  (propagator) => {
    const agent = new Agent({ factory: createDispatcherFactory({ traffic }) as never });
    const dispatcher = agent.compose([propagate(propagator, { connectsTo: 'per-request' })]);
    return {
      async get(url, headers) {
        const { statusCode, body } = await request(url, { dispatcher, headers: headers ?? null });
        await body.dump();
        return { status: statusCode };
      },
      close: () => agent.close(),
    };
  },
  'h2c',
);

outgoingConformance(
  "createFetch around undici's fetch on such an Agent",
  (propagator) => {
    const dispatcher = new Agent({ factory: createDispatcherFactory({ traffic }) as never });
    const carrying = createFetch(propagator, fetch as unknown as typeof globalThis.fetch);
    return {
      async get(url, headers) {
        const response = await carrying(url, { headers: headers ?? {}, dispatcher } as never);
        await response.arrayBuffer();
        return { status: response.status };
      },
      close: () => dispatcher.close(),
    };
  },
  'h2c',
);
