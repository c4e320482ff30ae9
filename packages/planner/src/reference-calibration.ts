/** Unit costs of a common server, so that planning works before anybody has measured: AMD EPYC, Node 24, from `npm run bench`. */
import type { Calibration } from './calibration.ts';

/** Of benchmarks/results and `npm run bench:network`. Measure yours with `watchword calibrate`. */
export const REFERENCE_CALIBRATION: Calibration = {
  format: 1,
  measuredAt: '2026-11-21T12:10:40.736Z',
  machine: { cpu: 'AMD EPYC', cores: 2, arch: 'x64', node: 'v24.21.0' },
  algorithms: {
    RS256: { verifyMicros: 42.7, signMicros: 250, mintMicros: 275 },
    PS256: { verifyMicros: 44.6, signMicros: 250, mintMicros: 275 },
    ES256: { verifyMicros: 74.8, signMicros: 26, mintMicros: 50 },
    EdDSA: { verifyMicros: 121.2, signMicros: 37, mintMicros: 61 },
    HS256: { verifyMicros: 11.8, signMicros: 3, mintMicros: 15 },
  },
  hits: [
    { tokens: 1_000, micros: 0.38 },
    { tokens: 200_000, micros: 1.16 },
  ],
  storeMicros: 4,
  sharedHitMicros: 13,
  reuseMicros: 0.5,
  cachedTokenBytes: 943,
  txnTokenBytes: 393,
  proxyMicros: 44.5,
  protocols: {
    http1: {
      requestMicros: 88,
      requestBytes: 73,
      bearer: { fixed: 24, perCharacter: 1 },
      txnToken: { fixed: 13, perCharacter: 1 },
      indexedBytes: null,
    },
    http2: {
      requestMicros: 60,
      requestBytes: 21,
      bearer: { fixed: 10, perCharacter: 0.8 },
      txnToken: { fixed: 7, perCharacter: 0.8 },
      indexedBytes: 1,
    },
    grpc: {
      requestMicros: 120,
      requestBytes: 45,
      bearer: { fixed: 10, perCharacter: 0.8 },
      txnToken: { fixed: 7, perCharacter: 0.8 },
      indexedBytes: 1,
    },
  },
};
