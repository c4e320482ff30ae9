import { type CreateClient, outgoingConformance } from '@watchword/conformance';
import { createFetch, propagate } from '@watchword/fetch';
import * as undici8 from 'undici';
import * as undici7 from 'undici-7';

outgoingConformance('createFetch around the global fetch', (propagator) => {
  const fetch = createFetch(propagator);
  return { get: (url, headers) => fetch(url, { headers: headers ?? {} }).then(drain) };
});

for (const [name, undici] of [
  ['undici 7', undici7 as unknown as typeof undici8],
  ['undici 8', undici8],
] as const) {
  outgoingConformance(`createFetch around the fetch of ${name}`, (propagator) => {
    const agent = new undici.Agent({ connections: 4 });
    const fetch = createFetch(propagator, undici.fetch as unknown as typeof globalThis.fetch);
    return {
      get: (url, headers) => fetch(url, { headers: headers ?? {}, dispatcher: agent as never }).then(drain),
      close: () => agent.close(),
    };
  });
  const { redirect, retry } = undici.interceptors;
  outgoingConformance(`propagate() on an Agent of ${name}`, client(undici, []));
  outgoingConformance(
    `propagate() below redirect() and retry() of ${name}`,
    client(undici, [retry(), redirect({ maxRedirections: 3 })]),
  );
}

function client(undici: typeof undici8, around: undici8.Dispatcher.DispatcherComposeInterceptor[]): CreateClient {
  return (propagator) => {
    // Few connections, so that callers share them.
    const agent = new undici.Agent({ connections: 4 });
    const composed = agent.compose([propagate(propagator, { connectsTo: 'per-request' }), ...around]);
    return {
      async get(url, headers) {
        const { statusCode, body } = await undici.request(url, { dispatcher: composed, headers: headers ?? null });
        await body.dump();
        return { status: statusCode };
      },
      close: () => agent.close(),
    };
  };
}

async function drain(response: Response): Promise<{ status: number }> {
  await response.arrayBuffer();
  return { status: response.status };
}
