/** One HTTP/2 connection for each origin, opened when it is needed and replaced when it ends. */
import type { ClientHttp2Session, ClientSessionOptions, SecureClientSessionOptions } from 'node:http2';
import type { Socket } from 'node:net';
import { connect } from './connect.ts';
import type { TableSettings } from './tables.ts';

/** The connections of one client. */
export interface Sessions {
  /** The connection to use for a new request. @param origin scheme, host and port, and nothing else */
  to(origin: string): ClientHttp2Session;
  /** Ends them after the requests that are on their way. */
  close(): Promise<void>;
  /** Ends them now. */
  destroy(error?: Error): void;
}

/** When a connection on which something was sent and nothing came is asked whether it is still there, and how long that may take. */
export interface Silence {
  readonly afterMs: number;
  readonly pongMs: number;
}

/** Keeps connections. */
export function createSessions(
  tables: TableSettings,
  options: ClientSessionOptions | SecureClientSessionOptions | undefined,
  onConnect: (session: ClientHttp2Session, origin: string) => void = () => undefined,
  silence: Silence = { afterMs: 10_000, pongMs: 5000 },
): Sessions {
  const usable = new Map<string, ClientHttp2Session>();
  /** With what ends them now. */
  const all = new Map<ClientHttp2Session, Cut>();
  const open = (origin: string): ClientHttp2Session => {
    const session = connect(origin, tables, options);
    const retire = (): void => {
      if (usable.get(origin) === session) usable.delete(origin);
    };
    // Errors reach each request by its own stream; a session without a listener would end the process (F5).
    session.on('error', retire);
    session.on('goaway', () => {
      retire();
      session.close();
    });
    session.once('close', () => {
      retire();
      all.delete(session);
    });
    const cut = cutterOf(session);
    giveUpWhenDead(session, cut, silence);
    usable.set(origin, session);
    all.set(session, cut);
    onConnect(session, origin);
    return session;
  };
  return {
    to(origin) {
      const known = usable.get(origin);
      return known && !known.closed && !known.destroyed ? known : open(origin);
    },
    async close() {
      await Promise.all(Array.from(all.keys(), ended));
    },
    destroy(error) {
      for (const cut of all.values()) cut(error);
    },
  };
}

type Cut = (error?: Error) => void;

// A session that was to be closed ends its side and waits for the peer's, even when it is destroyed: who stands still never ends it,
// and what the session shows of its socket cannot be destroyed.
function cutterOf(session: ClientHttp2Session): Cut {
  let socket: Socket | undefined;
  session.once('connect', (_session, connected) => (socket = connected));
  return (error) => {
    session.destroy(error);
    socket?.destroy();
  };
}

// A peer that is gone without a word would keep every request waiting for as long as TCP tries: a quarter of an hour (F10). Not by
// the session's own timeout, which what is sent puts off as well. Idle connections are asked once, and then left alone: servers mind
// their pings. One that has ended on our side has as long to end.
function giveUpWhenDead(session: ClientHttp2Session, cut: Cut, { afterMs, pongMs }: Silence): void {
  // Octets: what is known to have been heard over there, what was heard from there, and what had been sent at the last look.
  let [known, heard, sent] = [0, 0, 0];
  let verdict: NodeJS.Timeout | undefined;
  const look = (): void => {
    if (session.connecting || verdict !== undefined) return;
    if (session.destroyed) {
      verdict = setTimeout(cut, pongMs).unref();
      return;
    }
    // Node sends no PING on one that is to be closed, and calls that an answer.
    if (session.closed) return;
    const { bytesWritten, bytesRead } = session.socket;
    const isSilent = bytesRead === heard && bytesWritten > known;
    // What was sent since the last look may have been sent after the last that was heard.
    if (bytesRead !== heard) known = sent;
    [heard, sent] = [bytesRead, bytesWritten];
    if (!isSilent) return;
    verdict = setTimeout(() => cut(new Error('The peer does not answer any more')), pongMs).unref();
    session.ping((error) => {
      clearTimeout(verdict);
      verdict = undefined;
      if (error || session.destroyed) return;
      ({ bytesWritten: sent, bytesRead: heard } = session.socket);
      known = sent;
    });
  };
  const timer = setInterval(look, afterMs).unref();
  session.once('close', () => {
    clearInterval(timer);
    clearTimeout(verdict);
  });
}

function ended(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve) => {
    // Not as the callback of `close`, which is not called for a session that is closing already.
    session.once('close', resolve);
    if (session.destroyed) resolve();
    else session.close();
  });
}
