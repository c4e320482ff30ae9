/** Takes the requests that ask for a WebSocket, as many as are allowed at a time. */
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { WatchwordError } from '@watchword/core';
import { answerRefusal } from './answer.ts';
import { isBusy, markBusy, takesNoMore } from './connections.ts';
import type { Http1State } from './http1-call.ts';
import { type EdgeOptions, pass } from './passage.ts';
import { UpgradeCall } from './upgrade-call.ts';
import { asksForWebSocket } from './websocket-handshake.ts';

/** The WebSockets of one server. */
export interface Upgrades {
  /** For Node's `shouldUpgradeCallback`: all others are requests like any other (RFC 9110 section 7.8). */
  readonly wants: (request: IncomingMessage) => boolean;
  /** Starts to take them. */
  attach(server: Server, state: Http1State): void;
  /** Tells every client that the server goes away. */
  drain(): void;
}

/** Creates the counter. */
export function createUpgrades(options: EdgeOptions): Upgrades {
  const open = new Set<UpgradeCall>();
  return {
    // Behind an answer that is under way there is no place for another protocol: then it is a request like any other, in its turn.
    wants: (request) => (options.current?.() ?? options).takesUpgrades && asksForWebSocket(request) && !isBusy(request.socket),
    attach(server, state) {
      server.on('upgrade', (request: IncomingMessage, socket, head: Buffer) => {
        // Node has let go of the socket: nobody else listens for its errors (F5).
        socket.on('error', ignore);
        if (takesNoMore(socket)) return void (socket as Socket).destroySoon();
        const { listen, limits } = options.current?.() ?? options;
        const tunnelLimits = { idleMs: listen.webSocketIdleMs, stallMs: limits.stallTimeoutMs };
        const call = tryUpgrade(() => new UpgradeCall(request, socket as Socket, head, state, tunnelLimits));
        // The answer before it is written, but the socket has not been given back: the client has to ask again.
        if (call === undefined) return void (socket as Socket).destroySoon();
        markBusy(socket, call.response);
        if (open.size >= listen.webSockets) {
          const error = new WatchwordError('overloaded', 'Too many WebSockets are open');
          options.observer.refused(error, undefined, 'GET');
          answerRefusal(call, error);
          return;
        }
        open.add(call);
        call.onClose(() => open.delete(call));
        pass(call, options);
      });
    },
    drain() {
      for (const call of open) call.goAway();
    },
  };
}

// Node throws when the socket belongs to another answer; outside a request that would end the process (F5).
function tryUpgrade(make: () => UpgradeCall): UpgradeCall | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

function ignore(): void {}
