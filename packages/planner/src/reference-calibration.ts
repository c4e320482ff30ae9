/** Unit costs of a common server, so that planning works before anybody has measured: AMD EPYC, 2 cores, Node v24.21.0. */
import type { Calibration } from './calibration.ts';

/**
 * By `npm run calibrate:reference`. Measure yours with `watchword calibrate`.
 * Measured while other work kept 1.69 of the 2 cores busy: too high, to be measured again on a quiet machine.
 */
export const REFERENCE_CALIBRATION: Calibration = {
  format: 2,
  measuredAt: '2026-11-21T17:48:06.165Z',
  machine: {
    cpu: 'AMD EPYC',
    cores: 2,
    arch: 'x64',
    node: 'v24.21.0',
    disturbedBy: 1.69,
  },
  rarely: {
    hit: [
      { perSecond: 51.13, extraMicros: 19.1 },
      { perSecond: 729.2, extraMicros: 0 },
    ],
    verify: [
      { perSecond: 51.13, extraMicros: 57.57 },
      { perSecond: 729.2, extraMicros: 0 },
    ],
    sign: [
      { perSecond: 51.13, extraMicros: 29.19 },
      { perSecond: 729.2, extraMicros: 0 },
    ],
    mint: [
      { perSecond: 51.13, extraMicros: 15.91 },
      { perSecond: 729.2, extraMicros: 0 },
    ],
    sharedHit: [
      { perSecond: 51.13, extraMicros: 15.51 },
      { perSecond: 729.2, extraMicros: 0 },
    ],
    reuse: [
      { perSecond: 51.13, extraMicros: 15.24 },
      { perSecond: 729.2, extraMicros: 0 },
    ],
    proxy: [
      { perSecond: 51.13, extraMicros: 350.37 },
      { perSecond: 729.2, extraMicros: 0 },
    ],
    request: [
      { perSecond: 51.13, extraMicros: 246.4 },
      { perSecond: 729.2, extraMicros: 0 },
    ],
  },
  algorithms: {
    RS256: {
      verifyMicros: 151.5,
      signMicros: 382.86,
      mintMicros: 421.4,
    },
    PS256: {
      verifyMicros: 144.82,
      signMicros: 384.06,
      mintMicros: 434.19,
    },
    ES256: {
      verifyMicros: 178.4,
      signMicros: 88.39,
      mintMicros: 151.37,
    },
    EdDSA: {
      verifyMicros: 211.62,
      signMicros: 71.8,
      mintMicros: 136.76,
    },
    HS256: {
      verifyMicros: 94.97,
      signMicros: 18.6,
      mintMicros: 81.58,
    },
  },
  hits: [
    {
      tokens: 200,
      micros: 6.56,
    },
    {
      tokens: 100000,
      micros: 8.16,
    },
  ],
  storeMicros: 25.15,
  sharedHitMicros: 62.96,
  reuseMicros: 5.79,
  cachedTokenBytes: 1137,
  txnTokenBytes: 398,
  proxyMicros: 146.21,
  protocols: {
    http1: {
      requestMicros: 197.25,
      requestBytes: 73,
      bearer: {
        fixed: 24,
        perCharacter: 1,
      },
      txnToken: {
        fixed: 13,
        perCharacter: 1,
      },
      indexedBytes: null,
    },
    http2: {
      requestMicros: 177.09,
      requestBytes: 21,
      bearer: {
        fixed: 10.23,
        perCharacter: 0.8046,
      },
      txnToken: {
        fixed: 5.37,
        perCharacter: 0.8046,
      },
      indexedBytes: 1,
    },
    grpc: {
      requestMicros: 476.27,
      requestBytes: 45,
      bearer: {
        fixed: 10.23,
        perCharacter: 0.8046,
      },
      txnToken: {
        fixed: 5.86,
        perCharacter: 0.8253,
      },
      indexedBytes: 1,
    },
  },
};
