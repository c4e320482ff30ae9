/** Counts the octets of a hop: how many it takes to carry a request from one process to the next. */
import { channel } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** `diagnostics_channel` with a message for each connection of a hop that ends. */
export const HOP_CONNECTION_CHANNEL = 'watchword:hop-connection';

/** Message of {@link HOP_CONNECTION_CHANNEL}. */
export interface HopConnection {
  readonly hop: string;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** What went over a hop so far. */
export interface HopTotals {
  readonly connections: number;
  readonly requests: number;
  /** Octets on the sockets: bodies, header fields and framing. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Octets of bodies, as they were counted by {@link HopMeter.count}. */
  readonly bodySentBytes: number;
  readonly bodyReceivedBytes: number;
}

/** What a connection has to have. Sockets of net and tls do, and `session.socket` of node:http2. */
export type CountedSocket = Pick<Socket, 'bytesRead' | 'bytesWritten' | 'once'>;

/** The meter of one hop. */
export interface HopMeter {
  readonly hop: string;
  /** Takes a connection in. What it has carried before counts too. */
  watch(socket: CountedSocket): void;
  /** Counts a request. Octets of its bodies, so that what is left are header fields and framing. */
  count(bodySentBytes?: number, bodyReceivedBytes?: number): void;
  /** Sums up; meant to be called when somebody looks at the metrics. Costs time in proportion to the open connections. */
  totals(): HopTotals;
}

const endings = channel(HOP_CONNECTION_CHANNEL);

/**
 * Makes a meter. Nothing is done per octet: Node counts them, and the sums are made when they are read.
 * @param hop name of the hop, from a fixed set: it becomes a metric label
 */
export function createHopMeter(hop: string): HopMeter {
  const open = new Map<object, CountedSocket>();
  let ended = { connections: 0, sentBytes: 0, receivedBytes: 0 };
  let requests = 0;
  let bodySentBytes = 0;
  let bodyReceivedBytes = 0;
  return {
    hop,
    watch(socket) {
      const key = {};
      open.set(key, socket);
      // `this` is the socket itself: `session.socket` is a proxy that answers no more once the session has ended.
      socket.once('close', function (this: Socket) {
        open.delete(key);
        const { bytesWritten: sentBytes, bytesRead: receivedBytes } = this;
        ended = {
          connections: ended.connections + 1,
          sentBytes: ended.sentBytes + sentBytes,
          receivedBytes: ended.receivedBytes + receivedBytes,
        };
        if (endings.hasSubscribers) endings.publish({ hop, sentBytes, receivedBytes } satisfies HopConnection);
      });
    },
    count(sent = 0, received = 0) {
      requests += 1;
      bodySentBytes += sent;
      bodyReceivedBytes += received;
    },
    totals() {
      let { sentBytes, receivedBytes } = ended;
      for (const socket of open.values()) {
        sentBytes += socket.bytesWritten;
        receivedBytes += socket.bytesRead;
      }
      return { connections: ended.connections + open.size, requests, sentBytes, receivedBytes, bodySentBytes, bodyReceivedBytes };
    },
  };
}

/**
 * Octets per request that are no body: header fields and framing, towards the server and back. NaN before the first request.
 * @param before earlier totals, to look at what went on in between
 */
export function headerBytesPerRequest(now: HopTotals, before?: HopTotals): { readonly sent: number; readonly received: number } {
  const since = (of: (totals: HopTotals) => number): number => of(now) - (before === undefined ? 0 : of(before));
  const requests = since((totals) => totals.requests);
  return {
    sent: since((totals) => totals.sentBytes - totals.bodySentBytes) / requests,
    received: since((totals) => totals.receivedBytes - totals.bodyReceivedBytes) / requests,
  };
}
