/** `POST /revocations` of the control listener: takes tokens back. For operators on this machine, not for browsers. */
import type { IncomingMessage } from 'node:http';
import { type Revocation, type RevocationTarget, type Revocations, WatchwordError, readRevocation } from '@watchword/core';
import { isLocalCaller } from './local-caller.ts';
import { readBody } from './read-body.ts';

/** What the endpoint needs. */
export interface RevocationEndpointOptions {
  readonly revocations: Pick<Revocations, 'revoke'>;
  /** The issuers whose tokens are accepted here, and the trust domain: a slip in the name would revoke nothing. */
  readonly issuers: ReadonlySet<string>;
  /**
   * How long after its end a token may still be good for a request that was accepted before. Revocations are remembered so much
   * longer: whoever asks need not know of it.
   */
  readonly deferredForMs: number;
  readonly clock: () => number;
  /** Is told of each attempt: whose tokens and which kind of target, never which one. */
  readonly onRevoked: (issuer: string, target: string, isStored: boolean) => void;
}

/** An answer, as the control listener writes it. */
export interface EndpointAnswer {
  readonly status: number;
  readonly type: 'application/json' | 'application/problem+json';
  readonly body: object;
}

/** Handles one request. Never rejects. */
export type RevocationEndpoint = (request: IncomingMessage) => Promise<EndpointAnswer>;

/** Builds the endpoint. */
export function createRevocationEndpoint(options: RevocationEndpointOptions): RevocationEndpoint {
  return async (request) => {
    try {
      if (!isLocalCaller(request)) return problem(403, 'Revocations are taken from programs on this machine only');
      const [type] = (request.headers['content-type'] ?? '').split(';', 1);
      // Only what a browser must ask permission for, and never gets (CSRF).
      if (type!.trim().toLowerCase() !== 'application/json') return problem(415, 'The body must be application/json');
      const text = await readBody(request, MAX_BODY_BYTES);
      if (text === undefined) return problem(413, `The body is longer than ${MAX_BODY_BYTES} bytes`);
      return await revoke(text, options);
    } catch (thrown) {
      return problem(thrown instanceof WatchwordError && thrown.code === 'config_invalid' ? 400 : 500, messageOf(thrown));
    }
  };
}

/** As long as the longest claim, written with escapes, and a little more. */
const MAX_BODY_BYTES = 131_072;

async function revoke(
  text: string,
  { revocations, issuers, deferredForMs, clock, onRevoked }: RevocationEndpointOptions,
): Promise<EndpointAnswer> {
  const revocation = lengthen(parseRevocation(text, clock()), deferredForMs);
  if (!issuers.has(revocation.issuer)) return problem(400, 'issuer: is neither a trusted issuer nor the trust domain');
  const target = targetOf(revocation);
  try {
    await revocations.revoke(revocation);
  } catch {
    onRevoked(revocation.issuer, target, false);
    return problem(503, 'In force in this process, but not stored yet: it is tried again. Ask again to know');
  }
  onRevoked(revocation.issuer, target, true);
  return { status: 201, type: 'application/json', body: revocation };
}

/** Reads what was asked for. @throws WatchwordError `config_invalid` naming the member */
function parseRevocation(text: string, nowMs: number): Revocation {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new WatchwordError('config_invalid', 'The body is not JSON');
  }
  const revocation = readRevocation(withExpiry(value, nowMs));
  // Seconds in the place of milliseconds, or a clock that is wrong: it would be forgotten at once.
  if (revocation.expiresAtMs <= nowMs) invalid('expiresAtMs: is in the past');
  if ('issuedBefore' in revocation && revocation.issuedBefore > LATEST_SECONDS) invalid('issuedBefore: must be in seconds');
  return revocation;
}

function lengthen(revocation: Revocation, byMs: number): Revocation {
  return { ...revocation, expiresAtMs: Math.min(revocation.expiresAtMs + byMs, Number.MAX_SAFE_INTEGER) };
}

/** The year 5138: a number above it is in milliseconds. */
const LATEST_SECONDS = 100_000_000_000;
const MAX_SECONDS = 315_360_000;

function withExpiry(value: unknown, nowMs: number): unknown {
  if (typeof value !== 'object' || value === null || !('expiresInSeconds' in value)) return value;
  const { expiresInSeconds, ...rest } = value;
  if ('expiresAtMs' in rest) invalid('give expiresAtMs or expiresInSeconds, not both');
  const isGood = typeof expiresInSeconds === 'number' && expiresInSeconds >= 1 && expiresInSeconds <= MAX_SECONDS;
  if (!isGood) invalid(`expiresInSeconds: must be a number from 1 to ${MAX_SECONDS}`);
  return { ...rest, expiresAtMs: Math.ceil(nowMs + Number(expiresInSeconds) * 1000) };
}

function invalid(message: string): never {
  throw new WatchwordError('config_invalid', message);
}

function targetOf(revocation: RevocationTarget): string {
  return (['jti', 'sid', 'sub', 'kid'] as const).find((name) => name in revocation)!;
}

// Every message of `config_invalid` is our own, and names members, not values.
function messageOf(thrown: unknown): string {
  return thrown instanceof WatchwordError ? thrown.message : 'The request could not be read';
}

function problem(status: number, detail: string): EndpointAnswer {
  return { status, type: 'application/problem+json', body: { type: 'about:blank', status, detail } };
}
