/** Decisions over HTTP: nginx `auth_request`, Caddy `forward_auth`, Traefik `forwardAuth` (XA-7 to XA-9). */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { type WatchwordError, WatchwordError as Failure, fromRawHeaders } from '@watchword/core';
import type { LimitsConfig } from '../../config/config.ts';
import type { ForwardAuthStyle } from '../../config/sections/decision-service.ts';
import { Decision } from '../../decision/decision.ts';
import { describeRefusal } from '../../decision/refusal-answer.ts';
import { Connections } from '../../front/connections.ts';
import { guardParser } from '../../front/parser-guard.ts';
import type { DecisionService } from '../decision-service.ts';
import { type Asker, type JudgeOptions, type ReportedRequest, judge } from '../judge.ts';
import { ReportedFields } from '../reported-fields.ts';
import type { IsTrustedPeer } from '../trusted-peers.ts';
import { STYLES, type Style, TRUE_STATUS, readOriginal } from './styles.ts';

/** What the service is made of. */
export interface ForwardAuthOptions extends JudgeOptions {
  readonly style: ForwardAuthStyle;
  readonly limits: LimitsConfig;
  readonly isTrusted: IsTrustedPeer;
}

/** What the proxy adds to the header of the client. */
const OWN_HEADER_BYTES = 4096;

/** Creates the service. It does not listen yet. */
export function createForwardAuth(options: ForwardAuthOptions): DecisionService {
  const style = STYLES[options.style];
  const { limits } = options;
  const state = { draining: false };
  const server = createServer({
    maxHeaderSize: limits.headerBytes + OWN_HEADER_BYTES,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: Math.max(limits.requestTimeoutMs, limits.headersTimeoutMs),
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    noDelay: true,
  });
  // The default drops fields beyond 2000 without a word; headerBytes is the limit.
  server.maxHeadersCount = 0;
  const connections = new Connections(server);
  server.on('connection', (socket) => {
    if (options.isTrusted(socket.remoteAddress)) {
      connections.add(socket);
      return;
    }
    options.tally.untrusted += 1;
    socket.destroy();
  });
  server.on('request', (request, response) => {
    // A question has no body; one that comes all the same is dropped.
    request.resume();
    judge(() => readQuestion(request, style), new Client(response, style, state), options);
  });
  guardParser(server);
  return {
    listener: server,
    async close(timeoutMs) {
      state.draining = true;
      connections.closeIdle();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const timer = setTimeout(() => server.closeAllConnections(), timeoutMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

/**
 * These proxies can be told what to set, not what to remove. So beyond `authorization` and `txn-token`, which their configuration
 * replaces, a field that a backend may believe refuses the request (E2, E3).
 */
function readQuestion({ rawHeaders }: IncomingMessage, style: Style): ReportedRequest {
  const original = readOriginal(fromRawHeaders(rawHeaders), style);
  const headers = ReportedFields.of(rawHeaders, (name) => style.ownFields.has(name));
  if (headers.forbidden.length > 0) throw new Failure('header_forbidden', 'The request carries a reserved header');
  return { ...original, headers };
}

class Client implements Asker {
  readonly #response: ServerResponse;
  readonly #style: Style;
  readonly #state: { readonly draining: boolean };

  constructor(response: ServerResponse, style: Style, state: { readonly draining: boolean }) {
    this.#response = response;
    this.#style = style;
    this.#state = state;
  }

  get gone(): boolean {
    return this.#response.destroyed;
  }

  allow(decision: Decision): void {
    const fields = ['content-length', '0', 'cache-control', 'no-store'];
    const txnToken = Decision.txnTokenOf(decision);
    if (txnToken !== undefined) fields.push('txn-token', txnToken);
    this.#answer(200, fields, '');
  }

  refuse(error: WatchwordError): void {
    const { status, headers, body } = describeRefusal(error);
    const fields = ['content-length', String(Buffer.byteLength(body))];
    for (const [name, value] of Object.entries(headers)) fields.push(name, value);
    const told = this.#style.statusFor(status);
    if (told !== status) fields.push(TRUE_STATUS, String(status));
    this.#answer(told, fields, body);
  }

  #answer(status: number, fields: string[], body: string): void {
    if (this.#state.draining) fields.push('connection', 'close');
    this.#response.writeHead(status, fields);
    this.#response.end(body);
  }
}
