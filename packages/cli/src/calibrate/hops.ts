/** What a hop takes: octets on the wire, and processor time of both ends. */
import process from 'node:process';
import { TXN_TOKEN_HEADER } from '@watchword/core';
import { type FieldBytes, type HopCosts, PROTOCOLS, type Protocol } from '@watchword/planner';
import { type Fields, HOP_KINDS, type HopClient, type HopKind } from './hop-kinds.ts';
import { createSampleIssuers } from './sample-tokens.ts';
import { openWire } from './wire.ts';

/** How much is sent. */
export interface HopPlan {
  /** Requests of each kind whose octets are counted. Not more than tokens fit into a header table: 1000. */
  readonly requests: number;
  /** Requests whose processor time is measured. */
  readonly timedRequests: number;
}

const AT_A_TIME = 16;

/** Measures all protocols; tells how far it is. */
export async function measureHops(plan: HopPlan, done: (protocol: Protocol) => void): Promise<Record<Protocol, HopCosts>> {
  const issuer = createSampleIssuers().find(({ algorithm }) => algorithm === 'ES256')!;
  // Each is sent once where it is to be unknown: to two fields and in two lengths.
  const tokens = Array.from({ length: plan.requests + 1 }, (_, index) => issuer.sign(`user-${index}`));
  const measured: [Protocol, HopCosts][] = [];
  for (const protocol of PROTOCOLS) {
    measured.push([protocol, await measureHop(protocol, tokens, plan)]);
    done(protocol);
  }
  return Object.fromEntries(measured) as Record<Protocol, HopCosts>;
}

async function measureHop(protocol: Protocol, tokens: readonly string[], plan: HopPlan): Promise<HopCosts> {
  const kind = HOP_KINDS[protocol];
  const requestMicros = await timed(kind, plan.timedRequests);
  const octets = (fieldsOf: (index: number) => Fields): Promise<number> => octetsPerRequest(kind, plan.requests, fieldsOf);
  const requestBytes = await octets(() => ({}));
  const bearer = await fieldBytes(tokens, requestBytes, (token) => octets(withField('authorization', 'Bearer ', token)));
  const txnToken = await fieldBytes(tokens, requestBytes, (token) => octets(withField(TXN_TOKEN_HEADER, '', token)));
  const again = await octets(withField(TXN_TOKEN_HEADER, '', () => tokens[0]!));
  return {
    requestMicros,
    requestBytes,
    bearer,
    txnToken,
    indexedBytes: protocol === 'http1' ? null : Math.max(0, again - requestBytes),
  };
}

function withField(name: string, before: string, tokenOf: (index: number) => string): (index: number) => Fields {
  return (index) => ({ [name]: before + tokenOf(index) });
}

/** A line through two lengths of tokens. */
async function fieldBytes(
  tokens: readonly string[],
  without: number,
  measure: (tokenOf: (index: number) => string) => Promise<number>,
): Promise<FieldBytes> {
  // The first one is for warming up.
  const long = mean(tokens.slice(1).map((token) => token.length));
  // The end of a token is its signature: different for each.
  const octetsLong = (await measure((index) => tokens[index]!)) - without;
  const octetsShort = (await measure((index) => tokens[index]!.slice(-SHORT))) - without;
  const perCharacter = (octetsLong - octetsShort) / (long - SHORT);
  return { fixed: Math.max(0, octetsLong - perCharacter * long), perCharacter };
}

const SHORT = 400;

async function octetsPerRequest(kind: HopKind, requests: number, fieldsOf: (index: number) => Fields): Promise<number> {
  const server = await kind.serve();
  const wire = await openWire(server.port);
  const client = kind.dial(wire.port);
  try {
    // Connecting, and the first fields, which are the same for all requests, are not part of a warm connection.
    for (let warm = 0; warm < 3; warm += 1) await client.call(fieldsOf(0));
    const before = wire.sent();
    for (let index = 1; index <= requests; index += 1) await client.call(fieldsOf(index));
    return (wire.sent() - before) / requests;
  } finally {
    client.close();
    await wire.close();
    await server.close();
  }
}

async function timed(kind: HopKind, requests: number): Promise<number> {
  const server = await kind.serve();
  const client = kind.dial(server.port);
  try {
    await repeat(client, requests);
    const before = process.cpuUsage();
    await repeat(client, requests);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / requests;
  } finally {
    client.close();
    await server.close();
  }
}

async function repeat(client: HopClient, requests: number): Promise<void> {
  let left = requests;
  const caller = async (): Promise<void> => {
    while ((left -= 1) >= 0) await client.call({});
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, caller));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
