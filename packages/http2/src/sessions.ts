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

/** Keeps connections. */
export function createSessions(
  tables: TableSettings,
  options: ClientSessionOptions | SecureClientSessionOptions | undefined,
  onConnect: (session: ClientHttp2Session, origin: string) => void = () => undefined,
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

function ended(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve) => {
    // Not as the callback of `close`, which is not called for a session that is closing already.
    session.once('close', resolve);
    if (session.destroyed) resolve();
    else session.close();
  });
}
