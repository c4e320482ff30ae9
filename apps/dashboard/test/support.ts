/** What a control listener says, and one to say it. */
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Sample } from '../src/sample.ts';
import { readSample } from '../src/read-sample.ts';

/** A gateway with some history, in the words of its own /metrics. */
export const METRICS = `# HELP watchword_requests_total Requests by route and status; 499: the client left first
# TYPE watchword_requests_total counter
watchword_requests_total{route="/orders/*",status="200"} 900
watchword_requests_total{route="/orders/*",status="401"} 60
watchword_requests_total{route="none",status="404"} 40
watchword_request_duration_seconds_bucket{route="/orders/*",le="0.001"} 100
watchword_request_duration_seconds_bucket{route="/orders/*",le="0.01"} 900
watchword_request_duration_seconds_bucket{route="/orders/*",le="+Inf"} 1000
watchword_request_duration_seconds_sum{route="/orders/*"} 12
watchword_request_duration_seconds_count{route="/orders/*"} 1000
watchword_refusals_total{code="token_expired"} 50
watchword_refusals_total{code="signature_invalid"} 10
watchword_removed_txn_tokens_total 3
watchword_streams_open 2
watchword_requests_running 5
watchword_signature_checks_total 100
watchword_cache_hits_total 860
watchword_cache_misses_total 140
watchword_cache_evictions_total 4
watchword_cache_saved_seconds_total 0.0430
watchword_cache_entries 40
watchword_cache_bytes 41000
watchword_known_bad_hits_total 40
watchword_txn_tokens_minted_total 90
watchword_txn_tokens_reused_total 810
watchword_signing_key_age_seconds 3600
watchword_signing_key_next_rotation_seconds 7200
watchword_signing_key_published 2
watchword_signing_key_store_reachable 1
watchword_key_age_seconds{issuer="https://idp.example"} 42
watchword_key_age_seconds{issuer="https://other.example"} +Inf
watchword_key_fetch_failures_total{issuer="https://idp.example"} 1
watchword_keys{issuer="https://idp.example"} 2
watchword_keys_retained{issuer="https://idp.example"} 1
watchword_adaptive_checks_total{where="inline"} 90
watchword_adaptive_checks_total{where="shed"} 6
watchword_adaptive_running 1
watchword_adaptive_waiting 7
watchword_revocation_lag_seconds 0.4
watchword_revocation_entries 12
watchword_revocation_owed 0
watchword_revocation_failures_total 2
watchword_upstream_requests_in_flight{upstream="orders",target="0"} 3
watchword_upstream_requests_in_flight{upstream="orders",target="1"} 1
watchword_upstream_ejected{upstream="orders",target="0"} 0
watchword_upstream_ejected{upstream="orders",target="1"} 1
watchword_upstream_healthy{upstream="orders",target="0"} 1
watchword_upstream_healthy{upstream="orders",target="1"} 0
watchword_upstream_failures_total{upstream="orders",target="0"} 0
watchword_upstream_failures_total{upstream="orders",target="1"} 9
watchword_upstream_retries_total{upstream="orders",target="0"} 2
watchword_upstream_retries_total{upstream="orders",target="1"} 0
watchword_upstream_requests_waiting{upstream="orders"} 4
watchword_hop_bytes_total{hop="clients",direction="sent"} 500000
watchword_hop_bytes_total{hop="clients",direction="received"} 1500000
watchword_hop_body_bytes_total{hop="clients",direction="sent"} 100000
watchword_hop_body_bytes_total{hop="clients",direction="received"} 0
watchword_hop_requests_total{hop="clients"} 1000
watchword_hop_bytes_total{hop="upstream:orders",direction="sent"} 800000
watchword_hop_body_bytes_total{hop="upstream:orders",direction="sent"} 0
watchword_hop_requests_total{hop="upstream:orders"} 900
`;

/** The keys of that gateway. */
export const JWKS = { keys: [{ kid: 'k1', alg: 'ES256', kty: 'EC' }] };

/** That gateway at one moment. */
export function sample(changes: Partial<Sample> = {}): Sample {
  return { ...readSample({ atMs: 1_000_000, readiness: 'ready', metrics: METRICS, jwks: JWKS }), ...changes };
}

/** Listens on a free port of 127.0.0.1 until the test ends. Gives its origin. */
export async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A control listener that says what the pages say. A missing page: it hangs up. */
export function controlListener(pages: Readonly<Record<string, string>>): Promise<string> {
  return listening(
    createServer((request, response) => {
      const page = pages[request.url ?? ''];
      if (page === undefined) request.socket.destroy();
      else response.end(page);
    }),
  );
}
