/** Where clients connect: address, TLS, and what one connection of HTTP/2 may hold. */
import * as v from 'valibot';
import type { ListenConfig } from '../config.ts';
import { between, milliseconds, port, section, text } from '../forms.ts';

/** Certificate and key of the edge, and what clients have to show. */
export interface TlsConfig {
  /** Certificate chain in PEM, relative to the file of the configuration. */
  readonly certFile: string;
  /** Private key in PEM. */
  readonly keyFile: string;
  /** Certificates that vouch for those of clients, in PEM. */
  readonly clientCaFile?: string | undefined;
  /** Whether clients are asked for a certificate (RFC 8705), and whether they must have one. */
  readonly clientAuth: 'none' | 'request' | 'require';
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
}

/** The address of the edge. HTTP/1.1 and HTTP/2 share the port. */
export interface EdgeListenConfig extends ListenConfig {
  /** Undefined: cleartext, with HTTP/2 by prior knowledge (h2c). */
  readonly tls?: TlsConfig | undefined;
  /** Octets of the table in which a connection of HTTP/2 remembers request fields (RFC 9113 section 6.5.2). */
  readonly headerTableBytes: number;
  /** Requests at a time on one connection of HTTP/2. */
  readonly streamsPerConnection: number;
  /** Streams without an answer that a connection of a trusted proxy may leave per second, and ten times as many at once. */
  readonly proxyCancelsPerSecond: number;
  /** WebSockets at a time, for each thread. */
  readonly webSockets: number;
  /** Longest silence of a WebSocket; its pings count as words. */
  readonly webSocketIdleMs: number;
}

const tls = section({
  certFile: text,
  keyFile: text,
  clientCaFile: v.optional(text),
  clientAuth: v.optional(v.picklist(['none', 'request', 'require'], 'must be none, request or require'), 'none'),
  minVersion: v.optional(v.picklist(['TLSv1.2', 'TLSv1.3'], 'must be TLSv1.2 or TLSv1.3'), 'TLSv1.2'),
});

/** The section `listen`. */
export const edgeListen: v.GenericSchema<Partial<EdgeListenConfig>, EdgeListenConfig> = section({
  host: v.optional(text, '127.0.0.1'),
  port: v.optional(port, 8080),
  tls: v.optional(tls),
  headerTableBytes: v.optional(between(0, 4_194_304), 16_384),
  streamsPerConnection: v.optional(between(1, 65_536), 128),
  proxyCancelsPerSecond: v.optional(between(20, 1_000_000), 1000),
  webSockets: v.optional(between(0, 10_000_000), 10_000),
  webSocketIdleMs: v.optional(milliseconds, 300_000),
}) as v.GenericSchema<Partial<EdgeListenConfig>, EdgeListenConfig>;

/** Rules between the settings of `listen`. */
export function* checkTls({ tls: settings }: EdgeListenConfig): Generator<{ path: readonly string[]; reason: string }> {
  if (settings === undefined) return;
  const { clientAuth, clientCaFile } = settings;
  if (clientAuth === 'require' && clientCaFile === undefined) {
    yield { path: ['listen', 'tls', 'clientCaFile'], reason: 'is needed where clientAuth is require' };
  }
  if (clientAuth === 'none' && clientCaFile !== undefined) {
    yield { path: ['listen', 'tls', 'clientCaFile'], reason: 'goes with clientAuth request or require only' };
  }
}
