/** Unit costs of a common server, so that planning works before anybody has measured: AMD EPYC, 2 cores, Node v26.10.0. */
import type { Calibration } from './calibration.ts';

/**
 * By `npm run calibrate:reference`. Measure yours with `watchword calibrate`.
 * Measured on a quiet machine.
 */
export const REFERENCE_CALIBRATION: Calibration = {
  format: 2,
  measuredAt: '2026-11-22T07:29:19.315Z',
  machine: {
    cpu: 'AMD EPYC',
    cores: 2,
    arch: 'x64',
    node: 'v26.10.0',
    disturbedBy: 0,
    spread: {
      hit: 0.054,
      firstUse: 0.036,
      rareHit: 0.013,
      rareFirstUse: 0.011,
    },
  },
  rarely: {
    hit: [
      {
        perSecond: 49.38,
        extraMicros: 15.87,
      },
      {
        perSecond: 347.69,
        extraMicros: 8.02,
      },
      {
        perSecond: 2328.51,
        extraMicros: 0,
      },
    ],
    verify: [
      {
        perSecond: 11.59,
        extraMicros: 125.19,
      },
      {
        perSecond: 20.26,
        extraMicros: 94.5,
      },
      {
        perSecond: 1135.02,
        extraMicros: 0,
      },
    ],
    sign: [
      {
        perSecond: 2.76,
        extraMicros: 73.47,
      },
      {
        perSecond: 76.52,
        extraMicros: 0,
      },
    ],
    mint: [
      {
        perSecond: 11.59,
        extraMicros: 161.3,
      },
      {
        perSecond: 20.26,
        extraMicros: 132.09,
      },
      {
        perSecond: 1135.02,
        extraMicros: 0,
      },
    ],
    sharedHit: [
      {
        perSecond: 2.76,
        extraMicros: 34.57,
      },
      {
        perSecond: 76.52,
        extraMicros: 0,
      },
    ],
    reuse: [
      {
        perSecond: 49.38,
        extraMicros: 22.17,
      },
      {
        perSecond: 347.69,
        extraMicros: 13.48,
      },
      {
        perSecond: 2328.51,
        extraMicros: 0,
      },
    ],
    proxy: [
      {
        perSecond: 49.38,
        extraMicros: 411.99,
      },
      {
        perSecond: 347.69,
        extraMicros: 193.39,
      },
      {
        perSecond: 2328.51,
        extraMicros: 0,
      },
    ],
    request: [
      {
        perSecond: 49.38,
        extraMicros: 287.21,
      },
      {
        perSecond: 347.69,
        extraMicros: 173.8,
      },
      {
        perSecond: 2328.51,
        extraMicros: 0,
      },
    ],
  },
  algorithms: {
    RS256: {
      verifyMicros: 63.9,
      signMicros: 299.32,
      mintMicros: 299.32,
    },
    PS256: {
      verifyMicros: 71.55,
      signMicros: 303.82,
      mintMicros: 303.82,
    },
    ES256: {
      verifyMicros: 111.18,
      signMicros: 61.31,
      mintMicros: 61.31,
    },
    EdDSA: {
      verifyMicros: 150.96,
      signMicros: 64.52,
      mintMicros: 67.62,
    },
    HS256: {
      verifyMicros: 32.68,
      signMicros: 11.29,
      mintMicros: 11.29,
    },
  },
  hits: [
    {
      tokens: 200,
      micros: 3.85,
    },
    {
      tokens: 100000,
      micros: 5.32,
    },
  ],
  storeMicros: 27.6,
  sharedHitMicros: 46.96,
  reuseMicros: 3.47,
  cachedTokenBytes: 1027,
  txnTokenBytes: 398,
  proxyMicros: 93.07,
  protocols: {
    http1: {
      requestMicros: 131.25,
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
      requestMicros: 95.88,
      requestBytes: 21,
      bearer: {
        fixed: 10.06,
        perCharacter: 0.805,
      },
      txnToken: {
        fixed: 5.2,
        perCharacter: 0.805,
      },
      indexedBytes: 1,
    },
    grpc: {
      requestMicros: 356.12,
      requestBytes: 45,
      bearer: {
        fixed: 10.06,
        perCharacter: 0.805,
      },
      txnToken: {
        fixed: 5.68,
        perCharacter: 0.8257,
      },
      indexedBytes: 1,
    },
  },
};
