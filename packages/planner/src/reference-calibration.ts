/** Unit costs of a common server, so that planning works before anybody has measured: AMD EPYC, 2 cores, Node v24.21.0. */
import type { Calibration } from './calibration.ts';

/**
 * By `npm run calibrate:reference`. Measure yours with `watchword calibrate`.
 * Measured while other work kept 1.68 of the 2 cores busy: too high, to be measured again on a quiet machine.
 */
export const REFERENCE_CALIBRATION: Calibration = {
  format: 1,
  measuredAt: '2026-11-21T17:31:26.335Z',
  machine: {
    cpu: 'AMD EPYC',
    cores: 2,
    arch: 'x64',
    node: 'v24.21.0',
    disturbedBy: 1.68,
  },
  rarely: {
    requestsPerSecond: 52.5,
    busyRequestsPerSecond: 586.8,
    extraMicros: {
      hit: 13.37,
      verify: 50.47,
      sign: 38.67,
      mint: 8.2,
      store: 24.52,
      sharedHit: 10.12,
      reuse: 16.21,
      proxy: 276.93,
      request: 220.57,
    },
  },
  algorithms: {
    RS256: {
      verifyMicros: 221.12,
      signMicros: 389.71,
      mintMicros: 452.65,
    },
    PS256: {
      verifyMicros: 189.05,
      signMicros: 406.17,
      mintMicros: 445.87,
    },
    ES256: {
      verifyMicros: 179.06,
      signMicros: 88.11,
      mintMicros: 150.78,
    },
    EdDSA: {
      verifyMicros: 202.91,
      signMicros: 70.59,
      mintMicros: 131.11,
    },
    HS256: {
      verifyMicros: 90.49,
      signMicros: 19.83,
      mintMicros: 79.84,
    },
  },
  hits: [
    {
      tokens: 200,
      micros: 7.94,
    },
    {
      tokens: 100000,
      micros: 9.8,
    },
  ],
  storeMicros: 40.44,
  sharedHitMicros: 70.6,
  reuseMicros: 5.6,
  cachedTokenBytes: 1137,
  txnTokenBytes: 398,
  proxyMicros: 175.84,
  protocols: {
    http1: {
      requestMicros: 208.75,
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
      requestMicros: 163.73,
      requestBytes: 21,
      bearer: {
        fixed: 10.11,
        perCharacter: 0.8048,
      },
      txnToken: {
        fixed: 5.26,
        perCharacter: 0.8048,
      },
      indexedBytes: 1,
    },
    grpc: {
      requestMicros: 473.61,
      requestBytes: 45,
      bearer: {
        fixed: 10.11,
        perCharacter: 0.8048,
      },
      txnToken: {
        fixed: 5.74,
        perCharacter: 0.8255,
      },
      indexedBytes: 1,
    },
  },
};
