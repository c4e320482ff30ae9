/** Everything that the checks of one adapter share: a running server, its trust domain, and services further down. */
import assert from 'node:assert/strict';
import { type Pipeline, createPropagator } from '@watchword/core';
import { type Application, createApplication } from './application.ts';
import type { RunningServer, StartAdapter, SuiteRequest, SuiteResponse } from './contract.ts';
import { type Downstream, startDownstream } from './downstream.ts';
import { createHttpClient } from './http-client.ts';
import { type TrustDomain, createTrustDomain } from './trust-domain.ts';

/** Part of a request; the rest has defaults. */
export type Call = Partial<SuiteRequest> & { readonly path: string };

/** What a check works with. */
export interface ServerWorld {
  readonly trust: TrustDomain;
  readonly allowed: Downstream;
  readonly denied: Downstream;
  readonly application: Application;
  /** The host itself answers unknown routes. */
  readonly answersUnknownRoutes: boolean;
  /** Calls the server. Every answer is searched for the token that was sent (TT-30, E12). */
  send(call: Call): Promise<SuiteResponse>;
  /** Starts one more server around another pipeline, lends a `send` for it, and stops it. */
  withPipeline(pipeline: Pipeline, work: (send: ServerWorld['send']) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** Starts all of it. */
export async function createServerWorld(start: StartAdapter): Promise<ServerWorld> {
  const trust = createTrustDomain();
  const [allowed, denied] = await Promise.all([startDownstream(), startDownstream()]);
  const propagator = createPropagator({ destinations: [allowed.origin] });
  const application = createApplication({ propagator, allowed: allowed.origin, denied: denied.origin });
  const client = createHttpClient();
  const startWith = (pipeline: Pipeline): Promise<RunningServer> => start({ pipeline, routes: application.routes });
  const sendTo =
    (server: RunningServer) =>
    async (call: Call): Promise<SuiteResponse> => {
      const request = { method: call.chunks ? 'POST' : 'GET', headers: [], ...call } as const;
      const response = await (server.send ? server.send(request) : client.send(server.origin, request));
      assertNoToken(request, response);
      return response;
    };
  const server = await startWith(trust.createPipeline());
  return {
    trust,
    allowed,
    denied,
    application,
    answersUnknownRoutes: server.answersUnknownRoutes ?? false,
    send: sendTo(server),
    async withPipeline(pipeline, work) {
      const other = await startWith(pipeline);
      await work(sendTo(other)).finally(() => other.close());
    },
    async close() {
      client.close();
      application.close();
      await Promise.all([server.close(), allowed.close(), denied.close()]);
    },
  };
}

/** The header of a request that carries a Txn-Token. */
export function txnToken(token: string): SuiteRequest['headers'] {
  return [['Txn-Token', token]];
}

// Neither whole nor in part: the signature alone would do to find it in a log.
function assertNoToken(request: SuiteRequest, response: SuiteResponse): void {
  const answer = JSON.stringify(response);
  for (const [name, value] of request.headers) {
    if (name.toLowerCase() === 'host') continue;
    const parts = value.split(/[ ,.]+/).filter((part) => part.length > 16);
    for (const part of parts) assert.ok(!answer.includes(part), `the answer repeats a part of the ${name} field`);
  }
}
