/** Options of an HTTP/2 server behind the edge: header tables sized to its callers, and limits on what a peer may cost. */
import type { ServerOptions } from 'node:http2';
import { assertCount, assertNames } from './options.ts';
import { type TableSettings, type Traffic, tableSettingsFor } from './tables.ts';

/** Limits of one connection. */
export interface ConnectionLimits {
  /** Requests at a time. Default 256. */
  readonly concurrentStreams?: number;
  /** Octets of all header fields of a request, 32 more for each (HP-6). Default 32 KiB. */
  readonly headerListBytes?: number;
  /** Header fields of a request. Default 100. */
  readonly headerPairs?: number;
  /** Streams that a client may reset at once, and per second from then on; beyond, the connection is closed (F2). Default 500. */
  readonly resetBurst?: number;
  /** Default 50. */
  readonly resetsPerSecond?: number;
  /** Frames that break the protocol, and streams opened beyond the limit, until the connection is closed (F3). Default 100. */
  readonly invalidFrames?: number;
}

const KNOWN = ['concurrentStreams', 'headerListBytes', 'headerPairs', 'resetBurst', 'resetsPerSecond', 'invalidFrames'];

/**
 * For `http2.createServer` and, next to key and certificate, `createSecureServer`.
 * @throws WatchwordError `config_invalid` naming the option
 */
export function serverOptions(traffic: Traffic | TableSettings, limits: ConnectionLimits = {}): ServerOptions {
  const { server } = 'tableBytes' in traffic ? traffic : tableSettingsFor(traffic);
  assertNames(limits, KNOWN, 'limits');
  const concurrentStreams = assertCount(limits.concurrentStreams ?? 256, 1, 100_000, 'limits.concurrentStreams');
  const invalidFrames = assertCount(limits.invalidFrames ?? 100, 1, 100_000, 'limits.invalidFrames');
  return {
    settings: {
      ...server.settings,
      maxConcurrentStreams: concurrentStreams,
      maxHeaderListSize: assertCount(limits.headerListBytes ?? 32_768, 1024, 2 ** 20, 'limits.headerListBytes'),
    },
    maxSessionMemory: server.maxSessionMemory,
    maxHeaderListPairs: assertCount(limits.headerPairs ?? 100, 8, 10_000, 'limits.headerPairs'),
    // CVE-2023-44487, CVE-2025-8671 (F2).
    streamResetBurst: assertCount(limits.resetBurst ?? 500, 1, 1_000_000, 'limits.resetBurst'),
    streamResetRate: assertCount(limits.resetsPerSecond ?? 50, 1, 1_000_000, 'limits.resetsPerSecond'),
    maxSessionInvalidFrames: invalidFrames,
    maxSessionRejectedStreams: invalidFrames,
    // Floods of SETTINGS and PING, which cost an answer each (F3).
    maxSettings: 32,
    maxOutstandingPings: 10,
    unknownProtocolTimeout: 10_000,
  };
}
