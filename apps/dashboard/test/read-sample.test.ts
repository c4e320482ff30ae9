import { describe, expect, test } from 'vitest';
import { parseMetrics } from '../src/prometheus.ts';
import { readSample } from '../src/read-sample.ts';
import { METRICS, sample } from './support.ts';

describe('the text format', () => {
  test('what is no series is passed over', () => {
    expect(parseMetrics('# TYPE a counter\n\n<html>\na{b="c"\nfine 1\n')).toEqual([{ name: 'fine', labels: {}, value: 1 }]);
  });

  test('labels with commas, braces, quotes and new lines; infinities; timestamps', () => {
    expect(parseMetrics('a{b="x,y}\\"z\\\\\\n",c=""} +Inf 1700000000000\nd -Inf\ne 1.5e3')).toEqual([
      { name: 'a', labels: { b: 'x,y}"z\\\n', c: '' }, value: Infinity },
      { name: 'd', labels: {}, value: -Infinity },
      { name: 'e', labels: {}, value: 1500 },
    ]);
  });
});

describe('a look at a gateway', () => {
  test('refuses the metrics of something else', () => {
    const other = { atMs: 0, readiness: 'ready', jwks: undefined, metrics: 'process_cpu_seconds_total 3\n' };
    expect(() => readSample(other)).toThrow('no metrics of a gateway');
  });

  test('reads everything that is shown', () => {
    expect(sample()).toEqual({
      atMs: 1_000_000,
      readiness: 'ready',
      isEdge: true,
      requests: 1000,
      statuses: { '2xx': 900, '4xx': 100 },
      refusals: { token_expired: 50, signature_invalid: 10 },
      durations: { bounds: [0.001, 0.01], counts: [100, 900, 1000] },
      signatureChecks: 100,
      cache: { hits: 860, misses: 140, evictions: 4, savedSeconds: 0.043, entries: 40, bytes: 41_000 },
      knownBadHits: 40,
      minted: 90,
      reused: 810,
      removed: 3,
      queue: { running: 5, streams: 2, checksRunning: 1, checksWaiting: 7, checksShed: 6 },
      hops: [
        { hop: 'clients', requests: 1000, bytes: 1_900_000, bodyBytes: 100_000 },
        { hop: 'upstream:orders', requests: 900, bytes: 800_000, bodyBytes: 0 },
      ],
      upstreams: [
        {
          name: 'orders',
          waiting: 4,
          targets: [
            { inFlight: 3, healthy: true, ejected: false, failures: 0, retries: 2 },
            { inFlight: 1, healthy: false, ejected: true, failures: 9, retries: 0 },
          ],
        },
      ],
      issuers: [
        { issuer: 'https://idp.example', ageSeconds: 42, keys: 2, retained: 1, failures: 1 },
        { issuer: 'https://other.example', ageSeconds: undefined, keys: 0, retained: 0, failures: 0 },
      ],
      signingKeys: { ageSeconds: 3600, nextRotationSeconds: 7200, storeReachable: true },
      revocation: { lagSeconds: 0.4, entries: 12, owed: 0, failures: 2 },
      publishedKeys: [{ kid: 'k1', algorithm: 'ES256' }],
    });
  });

  test('a gateway without cache, log and rotating keys says so', () => {
    const metrics = METRICS.replaceAll(/^watchword_(cache|revocation|signing)_.*\n/gm, '');
    const bare = readSample({ atMs: 0, readiness: 'ready', metrics, jwks: { keys: 'none' } });
    expect(bare).toMatchObject({ cache: undefined, revocation: undefined, signingKeys: undefined, publishedKeys: [] });
  });
});
