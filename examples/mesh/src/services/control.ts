/** What a service tells the dashboard about its verifications, in the terms of the gateway's metrics. */
import { createServer } from 'node:http';
import type { RemoteKeys, VerificationCache } from '@watchword/core';
import { onQuestion, originOf } from '../process/worker.ts';

/** Where the numbers come from. */
export interface VerificationFigures {
  readonly cache: Pick<VerificationCache, 'stats'>;
  readonly keys: RemoteKeys;
  readonly signatureChecks: () => number;
}

/** Answers the question `control` with the origin of a listener, which is started only then: nothing of it runs while costs are measured. */
export function offerControl(figures: VerificationFigures): void {
  let origin: Promise<string> | undefined;
  onQuestion('control', () => (origin ??= listen(figures)));
}

function listen(figures: VerificationFigures): Promise<string> {
  const server = createServer((request, response) => {
    if (request.url === '/metrics') response.end(metricsOf(figures));
    else if (request.url === '/readyz') response.end('{"status":"ready"}\n');
    else response.writeHead(404).end();
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(originOf(server.address())));
  });
}

function metricsOf({ cache, keys, signatureChecks }: VerificationFigures): string {
  const { hits, misses, evictions, savedMicros, size, bytes } = cache.stats();
  return `watchword_signature_checks_total ${signatureChecks()}
watchword_cache_hits_total ${hits}
watchword_cache_misses_total ${misses}
watchword_cache_evictions_total ${evictions}
watchword_cache_saved_seconds_total ${savedMicros / 1e6}
watchword_cache_entries ${size}
watchword_cache_bytes ${bytes}
watchword_key_age_seconds{issuer="${keys.issuer}"} ${keys.ageMs() / 1000}
watchword_keys{issuer="${keys.issuer}"} ${keys.stats().keys}
`;
}
