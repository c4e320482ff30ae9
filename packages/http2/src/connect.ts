/** `http2.connect` with a header table sized to the callers. */
import {
  type ClientHttp2Session,
  type ClientSessionOptions,
  type SecureClientSessionOptions,
  connect as connectSession,
} from 'node:http2';
import { type TableSettings, type Traffic, tableSettingsFor } from './tables.ts';

/**
 * Options of `http2.connect` for such a connection. What `session` says itself stays, the table apart.
 * @throws WatchwordError `config_invalid`
 */
export function clientOptions<Options extends ClientSessionOptions = ClientSessionOptions>(
  traffic: Traffic | TableSettings,
  session?: Options,
): Options & ClientSessionOptions {
  const { client } = 'tableBytes' in traffic ? traffic : tableSettingsFor(traffic);
  return {
    ...(session as Options),
    maxSessionMemory: Math.max(client.maxSessionMemory, session?.maxSessionMemory ?? 0),
    maxDeflateDynamicTableSize: client.maxDeflateDynamicTableSize,
    settings: { enablePush: false, ...session?.settings },
  };
}

/**
 * Connects. Only with a server that allows a table of this size does it help: one that {@link serverOptions} configured, or any
 * other that sends SETTINGS_HEADER_TABLE_SIZE.
 * @param authority scheme, host and port
 * @throws WatchwordError `config_invalid`
 */
export function connect(
  authority: string | URL,
  traffic: Traffic | TableSettings,
  session?: ClientSessionOptions | SecureClientSessionOptions,
): ClientHttp2Session {
  return connectSession(authority, clientOptions(traffic, session));
}
