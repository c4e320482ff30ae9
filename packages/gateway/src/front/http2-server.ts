/** The HTTP/2 side of the edge: streams in, bounded in number, in size and in time. */
import { type Http2Server, type ServerHttp2Session, type ServerHttp2Stream, constants, createServer } from 'node:http2';
import type { Socket } from 'node:net';
import { clearInterval, setInterval } from 'node:timers';
import { clientOf } from '../headers/forwarding.ts';
import type { ProtocolSide } from './http1-server.ts';
import { Http2Connection, LITTLE_PATIENCE, PATIENCE, type Patience } from './http2-connection.ts';
import { type EdgeOptions, pass } from './passage.ts';
import { Round } from './round.ts';
import { SlicedSocket } from './sliced-socket.ts';
import { Suspects } from './suspects.ts';
import { clientCertificateOf } from './tls.ts';

/** How often stalled and idle streams are looked for. */
const LOOK_EVERY_MS = 1000;
/** Field lines of one request: each costs memory beyond its octets (F3). */
const MOST_FIELDS = 200;
/** Frames that break the protocol, and streams opened beyond the limit, before the connection is closed (F3). */
const INVALID_FRAMES = 100;

/** The connection that a session is being made for. */
interface Accepting {
  readonly socket: Socket;
  readonly address: string;
  /** What counts as one client. */
  readonly client: string;
  /** One of ours, which brings the requests of many clients. */
  readonly isProxy: boolean;
  readonly isSuspect: boolean;
  readonly sliced: SlicedSocket | undefined;
}

/** Creates the side. */
export function createHttp2Side(options: EdgeOptions): ProtocolSide {
  const { listen } = options;
  const forProxies: Patience = { burst: 10 * listen.proxyCancelsPerSecond, perSecond: listen.proxyCancelsPerSecond };
  const server = createSessionServer(options, PATIENCE);
  const proxyServer = createSessionServer(options, forProxies);
  const connections = new Map<ServerHttp2Session, Http2Connection>();
  const round = new Round(
    () => connections.values(),
    (connection, nowMs) => connection.look(nowMs),
  );
  let looking: NodeJS.Timeout | undefined;
  const needsAuthority = listen.tls?.clientCaFile !== undefined;
  const suspects = new Suspects();
  let accepting: Accepting | undefined;
  const onSession = (session: ServerHttp2Session): void => {
    // What the session shows of it cannot be destroyed.
    const { socket, address, client, isProxy, isSuspect, sliced } = accepting!;
    // Node leaves its own side open. Nobody can take an answer without saying how much of it, so who has closed its side is gone,
    // and with a stream that nothing is written to nobody would notice (F10).
    socket.on('end', () => socket.destroy());
    // Behind a proxy are many, and most of them have reset nothing: its next connection is as good as any.
    const onCalm = (): void => {
      if (!isProxy) suspects.add(client, performance.now());
    };
    const patience = isProxy ? forProxies : isSuspect ? LITTLE_PATIENCE : PATIENCE;
    const around = { cut: () => socket.destroy(), onCalm, patience, sliced };
    const connection = new Http2Connection(session, around, options, {
      // Not `in socket`: the session stands in for it, and has the property in any case.
      scheme: session.encrypted === true ? 'https' : 'http',
      address,
      clientCertificate: session.encrypted === true ? clientCertificateOf(session.socket, needsAuthority) : undefined,
    });
    connections.set(session, connection);
    session.on('stream', (stream: ServerHttp2Stream, headers, _flags, rawHeaders) => {
      // An error of a stream is told by its end (F5).
      stream.on('error', ignore);
      // Opened and reset by what came in one read.
      if (stream.destroyed) connection.openedInVain();
      else if (connection.isCalming) stream.close(constants.NGHTTP2_REFUSED_STREAM);
      else pass(connection.open(stream, headers, rawHeaders as unknown as string[]), options);
    });
    looking ??= setInterval(() => round.begin(), LOOK_EVERY_MS).unref();
    session.on('close', () => {
      connections.delete(session);
      if (connections.size > 0) return;
      clearInterval(looking);
      looking = undefined;
    });
  };
  for (const each of [server, proxyServer]) each.on('session', onSession).on('sessionError', ignore);
  return {
    accept(socket: Socket) {
      const address = socket.remoteAddress ?? 'unknown';
      const isProxy = (options.current?.() ?? options).isTrusted?.(address) === true;
      const client = clientOf(address, undefined);
      const isSuspect = !isProxy && suspects.has(client, performance.now());
      // Over TLS nothing has been read, or one record.
      const sliced = isSuspect && options.tls === undefined ? new SlicedSocket(socket) : undefined;
      accepting = { socket, address, client, isProxy, isSuspect, sliced };
      (isProxy ? proxyServer : server).emit('connection', sliced ?? socket);
      accepting = undefined;
    },
    drain() {
      // GOAWAY; streams that are open run on (RFC 9113 section 6.8).
      for (const session of connections.keys()) session.close();
    },
  };
}

function createSessionServer({ limits, listen }: EdgeOptions, { burst, perSecond }: Patience): Http2Server {
  return createServer({
    settings: {
      enablePush: false,
      headerTableSize: listen.headerTableBytes,
      maxConcurrentStreams: listen.streamsPerConnection,
      maxHeaderListSize: limits.headerBytes,
    },
    maxHeaderListPairs: MOST_FIELDS,
    maxSessionInvalidFrames: INVALID_FRAMES,
    maxSessionRejectedStreams: INVALID_FRAMES,
    maxSettings: 32,
    // Header tables count towards it, on both sides.
    maxSessionMemory: 10 + Math.ceil((2 * listen.headerTableBytes) / 1_000_000),
    // Our own count says ENHANCE_YOUR_CALM, which nghttp2's does not; that one is the second line (F2).
    streamResetBurst: 5 * burst,
    streamResetRate: 5 * perSecond,
  });
}

function ignore(): void {}
