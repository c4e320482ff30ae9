/**
 * Header tables of grpc-js, which has no option for them: it opens its sessions with `http2.connect` and `http2.createServer` and
 * settings of its own. The one way to them without a transport of one's own is to add to those settings, so this is a function that
 * an application calls if it wants that, and nothing happens on import.
 */
import http2 from 'node:http2';
import type { ClientHttp2Session, ClientSessionOptions, OutgoingHttpHeaders, ServerOptions } from 'node:http2';
import { type Traffic, createIndexing, tableSettingsFor } from '@watchword/http2';

/** Options of {@link sizeHeaderTables}. */
export interface HeaderTableOptions extends Traffic {
  /** Whether the Txn-Token is indexed (HP-8). Default `auto`. */
  readonly index?: 'auto' | 'never';
  /** More metadata keys whose values are different in each call. */
  readonly neverIndex?: readonly string[];
}

/**
 * From now on gives the channels and the servers that grpc-js opens in this process header tables of the right size, and keeps
 * metadata that are different in each call (`grpc-timeout`, trace ids) out of them. Both ends need it: a server that does not allow
 * a larger table cannot be given one by its client.
 *
 * Replaces `connect`, `createServer` and `createSecureServer` on the module object of `node:http2`, and changes only the calls that
 * grpc-js makes, which are known by `maxSendHeaderBlockLength`. Call it once, before the first channel or server.
 * @returns puts the functions back
 * @throws WatchwordError `config_invalid`
 */
export function sizeHeaderTables(options: HeaderTableOptions): () => void {
  const { index, neverIndex, ...traffic } = options;
  const { client, server } = tableSettingsFor(traffic);
  const mark = createIndexing({ ...(index && { index }), ...(neverIndex && { neverIndex }) });
  const { connect, createServer, createSecureServer } = http2;

  const sized = (given: ServerOptions | undefined): ServerOptions | undefined =>
    isOfGrpc(given) ? { ...given, settings: { ...given?.settings, ...server.settings } } : given;
  http2.connect = ((authority: string, given?: ClientSessionOptions, ...rest: []) => {
    if (!isOfGrpc(given)) return connect(authority, given, ...rest);
    const { maxDeflateDynamicTableSize } = client;
    return marking(connect(authority, { ...given, maxDeflateDynamicTableSize }, ...rest), mark);
  }) as typeof connect;
  http2.createServer = ((given: ServerOptions, ...rest: []) => createServer(sized(given)!, ...rest)) as typeof createServer;
  http2.createSecureServer = ((given: ServerOptions, ...rest: []) =>
    createSecureServer(sized(given)!, ...rest)) as typeof createSecureServer;
  return () => void Object.assign(http2, { connect, createServer, createSecureServer });
}

// Nobody else sets this limit to the largest number there is.
function isOfGrpc(options: ClientSessionOptions | ServerOptions | undefined): boolean {
  return options?.maxSendHeaderBlockLength === Number.MAX_SAFE_INTEGER;
}

function marking(session: ClientHttp2Session, mark: ReturnType<typeof createIndexing>): ClientHttp2Session {
  const request = session.request.bind(session);
  session.request = ((headers, options) =>
    request(headers && mark(headers as OutgoingHttpHeaders), options)) as typeof session.request;
  return session;
}
