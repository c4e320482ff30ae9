/** The service that every adapter hosts for the suite: its handlers tell whom they see, and call on. */
import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { type Propagator, WatchwordError, currentIdentity, toRecord } from '@watchword/core';
import type { SuiteCall, SuiteReply, SuiteRoute } from './contract.ts';
import { observeStages, whoIsHere } from './stages.ts';

/** Where the handlers call on to. */
export interface ApplicationOptions {
  readonly propagator: Propagator;
  /** An allowed and a denied destination. */
  readonly allowed: string;
  readonly denied: string;
}

/** The routes of the service, and an end to the connections that it opened. */
export interface Application {
  readonly routes: readonly SuiteRoute[];
  /** How often a handler of any route has been entered. */
  entered(): number;
  close(): void;
}

/** Builds the service. */
export function createApplication(options: ApplicationOptions): Application {
  let entered = 0;
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  const callOn = (to: string): Promise<void> => get(agent, options.propagator, to);
  return {
    routes: routesOf(options, callOn).map((route) => counted(route, () => (entered += 1))),
    entered: () => entered,
    close: () => agent.destroy(),
  };
}

function counted(route: SuiteRoute, count: () => void): SuiteRoute {
  const handler: SuiteRoute['handler'] = (call) => {
    count();
    return route.handler(call);
  };
  return { ...route, handler };
}

function routesOf({ allowed, denied }: ApplicationOptions, callOn: (to: string) => Promise<void>): SuiteRoute[] {
  return [
    { method: 'GET', path: '/whoami', handler: ({ identity }) => ok({ ...describeCaller(), handedOut: identity?.subject }) },
    { method: 'GET', path: '/orders', scopes: ['orders:read'], handler: () => ok({ subject: currentIdentity().subject }) },
    {
      method: 'GET',
      path: '/public',
      public: true,
      handler: ({ identity }) => ok({ subject: whoIsHere(), handedOut: identity?.subject }),
    },
    { method: 'GET', path: '/public/call', public: true, handler: () => callOn(`${allowed}/public`).then(() => ok({})) },
    { method: 'POST', path: '/stages', body: 'stream', handler: async ({ stream }) => ok(await observeStages(stream!)) },
    { method: 'POST', path: '/json', body: 'json', handler: ({ json }) => ok({ subject: currentIdentity().subject, json }) },
    { method: 'GET', path: '/call/allowed', handler: () => callOn(`${allowed}/orders`).then(() => ok({})) },
    { method: 'GET', path: '/call/denied', handler: () => callOn(`${denied}/orders`).then(() => ok({})) },
    {
      method: 'POST',
      path: '/interleaved',
      body: 'json',
      handler: (call) => interleaved(call, () => callOn(`${allowed}/${currentIdentity().subject}`)),
    },
    { method: 'GET', path: '/fail/throw', handler: () => fail(new WatchwordError('upstream_unavailable')) },
    { method: 'GET', path: '/fail/reject', handler: () => Promise.reject(new WatchwordError('upstream_timeout')) },
  ];
}

function ok(json: unknown): SuiteReply {
  return { status: 200, json };
}

function fail(error: WatchwordError): never {
  throw error;
}

function describeCaller(): Record<string, unknown> {
  const { subject, scopes, claims } = currentIdentity();
  return { subject, scopes: [...scopes], frozen: Object.isFrozen(claims) };
}

// Looks who is calling again and again while other requests run in between. One in four calls on.
async function interleaved({ json }: SuiteCall, callOn: () => Promise<void>): Promise<SuiteReply> {
  const { delays, calls } = json as { delays: number[]; calls: boolean };
  const seen = new Set([whoIsHere()]);
  for (const delay of delays) {
    await pause(delay);
    seen.add(whoIsHere());
  }
  if (calls) await callOn();
  seen.add(whoIsHere());
  return ok({ seen: [...seen] });
}

async function get(agent: Agent, propagator: Propagator, to: string): Promise<void> {
  const headers: Record<string, string> = {};
  propagator.inject(to, toRecord(headers));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const req = request(to, { headers, agent }, (res) => res.resume().once('end', resolve).once('error', reject));
  req.once('error', reject).end();
  await promise;
}
