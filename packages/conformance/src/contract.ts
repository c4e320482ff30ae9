/** What an adapter's test gives to the suite, and what it gets from it. */
import type { Readable } from 'node:stream';
import type { Identity, Pipeline, Propagator } from '@watchword/core';

/** A call as a host hands it to a handler. */
export interface SuiteCall {
  /** The body as the host streams it; of routes with `body: 'stream'`. */
  readonly stream?: Readable;
  /** The body as the host's JSON parser made it; of routes with `body: 'json'`. */
  readonly json?: unknown;
  /** The admitted caller, where the host hands it out directly (`req.identity`). */
  readonly identity?: Identity | undefined;
}

/** What a handler answers: always JSON. */
export interface SuiteReply {
  readonly status: number;
  readonly json: unknown;
}

/** One route that the adapter's test must serve. Every other path is answered with 404, behind the same guard. */
export interface SuiteRoute {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Reachable for everybody, on nobody's behalf. */
  readonly public?: boolean;
  readonly scopes?: readonly string[];
  readonly body?: 'stream' | 'json';
  /** Must be called in the context that the adapter made; may throw, or reject. */
  readonly handler: (call: SuiteCall) => SuiteReply | Promise<SuiteReply>;
}

/** What a server is started with. */
export interface ServerSetup {
  readonly pipeline: Pipeline;
  readonly routes: readonly SuiteRoute[];
}

/** A request of the suite. Header pairs are sent as they are, duplicates too. */
export interface SuiteRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Chunks of the body, each sent by itself, `pauseMs` apart. */
  readonly chunks?: readonly string[];
  readonly pauseMs?: number;
}

/** An answer, in the terms of HTTP; names in lower case. */
export interface SuiteResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A server that listens on loopback. */
export interface RunningServer {
  /** Scheme, host and port. */
  readonly origin: string;
  /** How to call it. Default: HTTP/1.1. Hosts of other protocols bring their own client. */
  send?(request: SuiteRequest): Promise<SuiteResponse>;
  /** The host itself answers unknown routes, before any guard is asked: grpc-js does, with UNIMPLEMENTED. */
  readonly answersUnknownRoutes?: boolean;
  close(): Promise<void>;
}

/** Starts a real server of the host, guarded by the adapter, on 127.0.0.1 and a free port. */
export type StartAdapter = (setup: ServerSetup) => Promise<RunningServer>;

/** An outgoing client under test. */
export interface OutgoingClient {
  /** One GET, made when it is called, and its answer. Redirects: as the client does by itself. */
  get(url: string, headers?: Readonly<Record<string, string>>): Promise<{ readonly status: number }>;
  close?(): Promise<void>;
}

/** Makes the client. */
export type CreateClient = (propagator: Propagator) => OutgoingClient;

/** What the services speak that an outgoing client calls: HTTP/1.1, or HTTP/2 in the clear, which gRPC is. */
export type DownstreamProtocol = 'http/1.1' | 'h2c';

/** One thing that must hold. Rejects with an assertion error when it does not. */
export interface Check<World> {
  readonly name: string;
  run(world: World): Promise<void>;
}
