/** Unit costs of a common server, so that planning works before anybody has measured: AMD EPYC, 2 cores, Node v26.10.0. */
import type { Calibration } from './calibration.ts';

/**
 * By `npm run calibrate:reference`. Measure yours with `watchword calibrate`.
 * Measured on a quiet machine.
 */
export const REFERENCE_CALIBRATION: Calibration = {
  format: 2,
  measuredAt: '2026-11-22T03:18:54.821Z',
  machine: {
    cpu: 'AMD EPYC',
    cores: 2,
    arch: 'x64',
    node: 'v26.10.0',
    disturbedBy: 0.04,
    spread: {
      hit: 0.045,
      firstUse: 0.004,
      rareHit: 0.024,
      rareFirstUse: 0.026,
    },
  },
  rarely: {
    hit: [
      {
        perSecond: 50.06,
        extraMicros: 18.65,
      },
      {
        perSecond: 307.7,
        extraMicros: 10.6,
      },
      {
        perSecond: 1774.15,
        extraMicros: 0,
      },
    ],
    verify: [
      {
        perSecond: 13.01,
        extraMicros: 162.4,
      },
      {
        perSecond: 21.82,
        extraMicros: 141.76,
      },
      {
        perSecond: 781,
        extraMicros: 0,
      },
    ],
    sign: [
      {
        perSecond: 2.78,
        extraMicros: 91.76,
      },
      {
        perSecond: 53.97,
        extraMicros: 0,
      },
    ],
    mint: [
      {
        perSecond: 13.01,
        extraMicros: 206.51,
      },
      {
        perSecond: 21.82,
        extraMicros: 151.66,
      },
      {
        perSecond: 781,
        extraMicros: 0,
      },
    ],
    sharedHit: [
      {
        perSecond: 2.78,
        extraMicros: 39.84,
      },
      {
        perSecond: 53.97,
        extraMicros: 0,
      },
    ],
    reuse: [
      {
        perSecond: 50.06,
        extraMicros: 30.44,
      },
      {
        perSecond: 307.7,
        extraMicros: 21.12,
      },
      {
        perSecond: 1774.15,
        extraMicros: 0,
      },
    ],
    proxy: [
      {
        perSecond: 50.06,
        extraMicros: 591.35,
      },
      {
        perSecond: 307.7,
        extraMicros: 274.41,
      },
      {
        perSecond: 1774.15,
        extraMicros: 0,
      },
    ],
    request: [
      {
        perSecond: 50.06,
        extraMicros: 391.27,
      },
      {
        perSecond: 307.7,
        extraMicros: 234.96,
      },
      {
        perSecond: 1774.15,
        extraMicros: 0,
      },
    ],
  },
  algorithms: {
    RS256: {
      verifyMicros: 114.1,
      signMicros: 418.36,
      mintMicros: 418.36,
    },
    PS256: {
      verifyMicros: 124.06,
      signMicros: 422.44,
      mintMicros: 422.44,
    },
    ES256: {
      verifyMicros: 161.98,
      signMicros: 94.68,
      mintMicros: 97.42,
    },
    EdDSA: {
      verifyMicros: 213.93,
      signMicros: 93.74,
      mintMicros: 100.33,
    },
    HS256: {
      verifyMicros: 54.98,
      signMicros: 21.45,
      mintMicros: 24.19,
    },
  },
  hits: [
    {
      tokens: 200,
      micros: 6.21,
    },
    {
      tokens: 100000,
      micros: 10.09,
    },
  ],
  storeMicros: 33.39,
  sharedHitMicros: 70.61,
  reuseMicros: 5.63,
  cachedTokenBytes: 1029,
  txnTokenBytes: 398,
  proxyMicros: 146.61,
  protocols: {
    http1: {
      requestMicros: 203.25,
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
      requestMicros: 134.46,
      requestBytes: 21,
      bearer: {
        fixed: 9.9,
        perCharacter: 0.8053,
      },
      txnToken: {
        fixed: 5.04,
        perCharacter: 0.8053,
      },
      indexedBytes: 1,
    },
    grpc: {
      requestMicros: 490.22,
      requestBytes: 45,
      bearer: {
        fixed: 9.9,
        perCharacter: 0.8053,
      },
      txnToken: {
        fixed: 5.52,
        perCharacter: 0.8259,
      },
      indexedBytes: 1,
    },
  },
};
