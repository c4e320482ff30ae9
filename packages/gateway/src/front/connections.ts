/** Which HTTP/1.1 connections are open, and which of them have an answer under way. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

const LATEST: unique symbol = Symbol('latest answer');
const ENDING: unique symbol = Symbol('takes no more requests');
const ENDLESS: unique symbol = Symbol('answer to a request that may take as long as it likes');

interface TrackedSocket extends Duplex {
  [LATEST]?: ServerResponse;
  [ENDING]?: true;
  [ENDLESS]?: ServerResponse;
}

/** The open connections of one server. */
export class Connections {
  readonly #open = new Set<Socket>();

  /** @param server whose connections say what they are busy with, each by itself; undefined: somebody says so with {@link markBusy} */
  constructor(server?: Server) {
    if (server === undefined) return;
    const remember = (request: IncomingMessage, response: ServerResponse): void => {
      (request.socket as TrackedSocket)[LATEST] = response;
    };
    server.on('request', remember);
    server.on('checkContinue', remember);
    server.on('checkExpectation', remember);
  }

  add(socket: Socket): void {
    this.#open.add(socket);
    socket.on('close', () => this.#open.delete(socket));
  }

  /** Those of now. May change while somebody goes through them. */
  all(): IterableIterator<Socket> {
    return this.#open.values();
  }

  /** Closes those without an answer under way. Node's own list leaves out the ones that never sent a request. */
  closeIdle(): void {
    for (const socket of this.#open) if (!isBusy(socket)) socket.destroySoon();
  }
}

/** Says what a connection is busy with that `request` did not tell of. */
export function markBusy(socket: Duplex, response: ServerResponse): void {
  (socket as TrackedSocket)[LATEST] = response;
}

/**
 * No request that comes behind the one that is being answered is taken. Node reads them ahead, and would hand them out even when
 * the answer closes the connection.
 */
export function takeNoMore(socket: Duplex): void {
  (socket as TrackedSocket)[ENDING] = true;
}

/** Whether {@link takeNoMore} was said. */
export function takesNoMore(socket: Duplex): boolean {
  return (socket as TrackedSocket)[ENDING] === true;
}

/** The request that is being answered may take as long as it likes to arrive. */
export function markEndless(socket: Duplex, response: ServerResponse): void {
  (socket as TrackedSocket)[ENDLESS] = response;
}

/** Whether {@link markEndless} was said of the latest request, and it has not been answered. */
export function isEndless(socket: Duplex): boolean {
  const { [LATEST]: latest, [ENDLESS]: endless } = socket as TrackedSocket;
  return endless !== undefined && endless === latest && isBusy(socket);
}

/** Whether an answer has been started, or is being prepared, that has not been written out. */
export function isBusy(socket: Duplex): boolean {
  const latest = (socket as TrackedSocket)[LATEST];
  return latest !== undefined && !latest.writableFinished;
}
