/** Unit costs of a common server, so that planning works before anybody has measured: AMD EPYC, 2 cores, Node v24.21.0. */
import type { Calibration } from './calibration.ts';

/**
 * By `npm run calibrate:reference`. Measure yours with `watchword calibrate`.
 * Measured while other work kept 0.88 of the 2 cores busy: too high, to be measured again on a quiet machine.
 */
export const REFERENCE_CALIBRATION: Calibration = {
  format: 2,
  measuredAt: '2026-11-21T21:21:20.236Z',
  machine: {
    cpu: 'AMD EPYC',
    cores: 2,
    arch: 'x64',
    node: 'v24.21.0',
    disturbedBy: 0.88,
    spread: {
      hit: 0.278,
      firstUse: 0.132,
      rareHit: 0.022,
      rareFirstUse: 0.022,
    },
  },
  rarely: {
    hit: [
      {
        perSecond: 50.79,
        extraMicros: 20.65,
      },
      {
        perSecond: 265.28,
        extraMicros: 12.46,
      },
      {
        perSecond: 1536.06,
        extraMicros: 0,
      },
    ],
    verify: [
      {
        perSecond: 12.5,
        extraMicros: 137.57,
      },
      {
        perSecond: 54.46,
        extraMicros: 87.42,
      },
      {
        perSecond: 640.76,
        extraMicros: 0,
      },
    ],
    sign: [
      {
        perSecond: 2.85,
        extraMicros: 43,
      },
      {
        perSecond: 42.77,
        extraMicros: 0,
      },
    ],
    mint: [
      {
        perSecond: 12.5,
        extraMicros: 165.6,
      },
      {
        perSecond: 54.46,
        extraMicros: 90.15,
      },
      {
        perSecond: 640.76,
        extraMicros: 0,
      },
    ],
    sharedHit: [
      {
        perSecond: 2.85,
        extraMicros: 31.54,
      },
      {
        perSecond: 42.77,
        extraMicros: 0,
      },
    ],
    reuse: [
      {
        perSecond: 50.79,
        extraMicros: 23.68,
      },
      {
        perSecond: 265.28,
        extraMicros: 17.44,
      },
      {
        perSecond: 1536.06,
        extraMicros: 0,
      },
    ],
    proxy: [
      {
        perSecond: 50.79,
        extraMicros: 514.34,
      },
      {
        perSecond: 265.28,
        extraMicros: 250.85,
      },
      {
        perSecond: 1536.06,
        extraMicros: 0,
      },
    ],
    request: [
      {
        perSecond: 50.79,
        extraMicros: 333.73,
      },
      {
        perSecond: 265.28,
        extraMicros: 201.19,
      },
      {
        perSecond: 1536.06,
        extraMicros: 0,
      },
    ],
  },
  algorithms: {
    RS256: {
      verifyMicros: 90.57,
      signMicros: 327.51,
      mintMicros: 327.51,
    },
    PS256: {
      verifyMicros: 185.34,
      signMicros: 384.58,
      mintMicros: 384.58,
    },
    ES256: {
      verifyMicros: 140.34,
      signMicros: 80.3,
      mintMicros: 80.3,
    },
    EdDSA: {
      verifyMicros: 177.67,
      signMicros: 75.92,
      mintMicros: 77.62,
    },
    HS256: {
      verifyMicros: 51.95,
      signMicros: 12.76,
      mintMicros: 12.76,
    },
  },
  hits: [
    {
      tokens: 200,
      micros: 5.87,
    },
    {
      tokens: 100000,
      micros: 7.24,
    },
  ],
  storeMicros: 33.06,
  sharedHitMicros: 66.13,
  reuseMicros: 3.21,
  cachedTokenBytes: 1314,
  txnTokenBytes: 398,
  proxyMicros: 130.89,
  protocols: {
    http1: {
      requestMicros: 168.39,
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
      requestMicros: 191.51,
      requestBytes: 21,
      bearer: {
        fixed: 10.02,
        perCharacter: 0.8051,
      },
      txnToken: {
        fixed: 5.17,
        perCharacter: 0.8051,
      },
      indexedBytes: 1,
    },
    grpc: {
      requestMicros: 459.33,
      requestBytes: 45,
      bearer: {
        fixed: 10.02,
        perCharacter: 0.8051,
      },
      txnToken: {
        fixed: 5.65,
        perCharacter: 0.8257,
      },
      indexedBytes: 1,
    },
  },
};
