/** Unit costs of a common server, so that planning works before anybody has measured: AMD EPYC, 2 cores, Node v24.21.0. */
import type { Calibration } from './calibration.ts';

/**
 * By `npm run calibrate:reference`. Measure yours with `watchword calibrate`.
 * Measured while other work kept 1.68 of the 2 cores busy: too high, to be measured again on a quiet machine.
 */
export const REFERENCE_CALIBRATION: Calibration = {
  format: 2,
  measuredAt: '2026-11-21T20:20:32.241Z',
  machine: {
    cpu: 'AMD EPYC',
    cores: 2,
    arch: 'x64',
    node: 'v24.21.0',
    disturbedBy: 1.68,
    spread: {
      hit: 0.13,
      firstUse: 0.123,
      rareHit: 0.071,
      rareFirstUse: 0.046,
    },
  },
  rarely: {
    hit: [
      {
        perSecond: 47.31,
        extraMicros: 16.96,
      },
      {
        perSecond: 145.95,
        extraMicros: 11.12,
      },
      {
        perSecond: 419.18,
        extraMicros: 0,
      },
    ],
    verify: [
      {
        perSecond: 11.73,
        extraMicros: 115.04,
      },
      {
        perSecond: 42.36,
        extraMicros: 103.66,
      },
      {
        perSecond: 252.08,
        extraMicros: 0,
      },
    ],
    sign: [
      {
        perSecond: 2.66,
        extraMicros: 48.19,
      },
      {
        perSecond: 18.94,
        extraMicros: 0,
      },
    ],
    mint: [
      {
        perSecond: 11.73,
        extraMicros: 121.66,
      },
      {
        perSecond: 42.36,
        extraMicros: 99.4,
      },
      {
        perSecond: 252.08,
        extraMicros: 0,
      },
    ],
    sharedHit: [
      {
        perSecond: 2.66,
        extraMicros: 22.45,
      },
      {
        perSecond: 18.94,
        extraMicros: 0,
      },
    ],
    reuse: [
      {
        perSecond: 47.31,
        extraMicros: 18.39,
      },
      {
        perSecond: 145.95,
        extraMicros: 13.03,
      },
      {
        perSecond: 419.18,
        extraMicros: 0,
      },
    ],
    proxy: [
      {
        perSecond: 47.31,
        extraMicros: 322.47,
      },
      {
        perSecond: 145.95,
        extraMicros: 228.9,
      },
      {
        perSecond: 419.18,
        extraMicros: 0,
      },
    ],
    request: [
      {
        perSecond: 47.31,
        extraMicros: 254.66,
      },
      {
        perSecond: 145.95,
        extraMicros: 121.86,
      },
      {
        perSecond: 419.18,
        extraMicros: 0,
      },
    ],
  },
  algorithms: {
    RS256: {
      verifyMicros: 119.56,
      signMicros: 308.78,
      mintMicros: 308.78,
    },
    PS256: {
      verifyMicros: 229.63,
      signMicros: 381.17,
      mintMicros: 386.67,
    },
    ES256: {
      verifyMicros: 169.2,
      signMicros: 74.52,
      mintMicros: 82.7,
    },
    EdDSA: {
      verifyMicros: 195.62,
      signMicros: 59.61,
      mintMicros: 84.05,
    },
    HS256: {
      verifyMicros: 101.38,
      signMicros: 18.85,
      mintMicros: 27.03,
    },
  },
  hits: [
    {
      tokens: 200,
      micros: 10.18,
    },
    {
      tokens: 100000,
      micros: 11.36,
    },
  ],
  storeMicros: 15.5,
  sharedHitMicros: 70.94,
  reuseMicros: 5.81,
  cachedTokenBytes: 1314,
  txnTokenBytes: 398,
  proxyMicros: 195.37,
  protocols: {
    http1: {
      requestMicros: 245.29,
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
      requestMicros: 265.24,
      requestBytes: 21,
      bearer: {
        fixed: 9.86,
        perCharacter: 0.8054,
      },
      txnToken: {
        fixed: 5.01,
        perCharacter: 0.8054,
      },
      indexedBytes: 1,
    },
    grpc: {
      requestMicros: 610.54,
      requestBytes: 45,
      bearer: {
        fixed: 9.86,
        perCharacter: 0.8054,
      },
      txnToken: {
        fixed: 5.49,
        perCharacter: 0.826,
      },
      indexedBytes: 1,
    },
  },
};
