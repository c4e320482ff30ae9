/** One HTTP/2 connection for each origin, opened when it is needed and replaced when it ends. */
import type { ClientHttp2Session, ClientSessionOptions, SecureClientSessionOptions } from 'node:http2';
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
  const all = new Set<ClientHttp2Session>();
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
    giveUpWhenDead(session, silence);
    usable.set(origin, session);
    all.add(session);
    onConnect(session, origin);
    return session;
  };
  return {
    to(origin) {
      const known = usable.get(origin);
      return known && !known.closed && !known.destroyed ? known : open(origin);
    },
    async close() {
      await Promise.all([...all].map(ended));
    },
    destroy(error) {
      for (const session of all) session.destroy(error);
    },
  };
}

// A peer that is gone without a word would keep every request waiting for as long as TCP tries: a quarter of an hour (F10). Not by
// the session's own timeout, which what is sent puts off as well. Idle connections are left alone: servers mind their pings.
function giveUpWhenDead(session: ClientHttp2Session, { afterMs, pongMs }: Silence): void {
  let [sent, heard] = [0, 0];
  let verdict: NodeJS.Timeout | undefined;
  const look = (): void => {
    if (session.connecting || session.destroyed || verdict !== undefined) return;
    const { bytesWritten, bytesRead } = session.socket;
    const isSilent = bytesWritten > sent && bytesRead === heard;
    [sent, heard] = [bytesWritten, bytesRead];
    if (!isSilent) return;
    verdict = setTimeout(() => session.destroy(new Error('The peer does not answer any more')), pongMs).unref();
    session.ping(() => {
      clearTimeout(verdict);
      verdict = undefined;
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
