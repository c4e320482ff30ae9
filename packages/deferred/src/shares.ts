/** Who gets how much room in a bounded queue. One rule for all implementations. */
import { assertConfig } from '@watchword/core';

/** How much a queue takes in. What has ended leaves it; dead letters stay in until they are replayed or purged. */
export interface QueueLimits {
  /** Default 100,000. */
  readonly entries?: number;
  /** Of payloads and {@link ENTRY_OVERHEAD} for each entry. Default 256 MiB. */
  readonly bytes?: number;
  /**
   * How much of what no other issuer holds one issuer may hold, from above 0 to 1. Default 0.5: n issuers that flood leave the
   * (n + 1)th part free for everybody else.
   */
  readonly issuerShare?: number;
  /** How much one client may hold of what its issuer may hold and no other client of it holds. Default 0.25. */
  readonly clientShare?: number;
  /**
   * Outcomes that are kept of entries whose token was good. Beyond it the oldest refusals are forgotten, then the oldest of what was
   * done, and idempotency keys with them. Default 1,000,000.
   */
  readonly outcomes?: number;
  /** Refusals that are kept of entries whose token was never verified. Beyond it the oldest of them are forgotten. Default 100,000. */
  readonly unverifiedOutcomes?: number;
}

/** Entries and bytes. */
export interface Room {
  readonly entries: number;
  readonly bytes: number;
}

/** What is held now, by everybody, by an issuer and by a client of it. */
export interface Held {
  readonly queue: Room;
  readonly issuer: Room;
  readonly client: Room;
}

/** What an entry takes besides its payload. */
export const ENTRY_OVERHEAD = 512;

const MAX_ENTRIES = 100_000_000;
const MAX_BYTES = 2 ** 50;

/** Fills in and checks limits. @throws WatchwordError `config_invalid` */
export function readLimits(limits: QueueLimits | undefined, place: string): Required<QueueLimits> {
  const { entries = 100_000, bytes = 2 ** 28, issuerShare = 0.5, clientShare = 0.25, ...more } = limits ?? {};
  const { outcomes = 1_000_000, unverifiedOutcomes = 100_000, ...rest } = more;
  for (const name of Object.keys(rest)) assertConfig(false, `${place}.${name}: unknown option`);
  const isWhole = (value: unknown, most: number): boolean =>
    Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= most;
  assertConfig(isWhole(entries, MAX_ENTRIES), `${place}.entries: must be a whole number from 1 to ${MAX_ENTRIES}`);
  assertConfig(isWhole(bytes, MAX_BYTES), `${place}.bytes: must be a whole number from 1 to ${MAX_BYTES}`);
  for (const [name, most] of Object.entries({ outcomes, unverifiedOutcomes }))
    assertConfig(isWhole(most, MAX_ENTRIES), `${place}.${name}: must be a whole number from 1 to ${MAX_ENTRIES}`);
  for (const [name, share] of Object.entries({ issuerShare, clientShare })) {
    assertConfig(typeof share === 'number' && share > 0 && share <= 1, `${place}.${name}: must be a number above 0, up to 1`);
  }
  return { entries, bytes, issuerShare, clientShare, outcomes, unverifiedOutcomes };
}

/** What an entry takes of a queue. */
export function roomOf(payload: Uint8Array): Room {
  return { entries: 1, bytes: payload.length + ENTRY_OVERHEAD };
}

/** Whose room is used up, so that `adding` has to wait. Undefined: it fits. */
export function fullScope(limits: Required<QueueLimits>, held: Held, adding: Room): Scope | undefined {
  const byEntries = fullScopeOf('entries', limits, held, adding);
  const byBytes = fullScopeOf('bytes', limits, held, adding);
  if (byEntries === undefined && byBytes === undefined) return undefined;
  return SCOPES.find((scope) => scope === byEntries || scope === byBytes);
}

type Scope = 'queue' | 'issuer' | 'client';
// Who holds up most comes first.
const SCOPES: readonly Scope[] = ['queue', 'issuer', 'client'];

function fullScopeOf(unit: keyof Room, limits: Required<QueueLimits>, held: Held, adding: Room): Scope | undefined {
  const forIssuer = limits.issuerShare * (limits[unit] - (held.queue[unit] - held.issuer[unit]));
  const forClient = limits.clientShare * (forIssuer - (held.issuer[unit] - held.client[unit]));
  if (held.queue[unit] + adding[unit] > limits[unit]) return 'queue';
  if (held.issuer[unit] + adding[unit] > forIssuer) return 'issuer';
  return held.client[unit] + adding[unit] > forClient ? 'client' : undefined;
}

/** Whether an empty queue would take it. */
export function canEverFit(limits: Required<QueueLimits>, adding: Room): boolean {
  const nothing = { entries: 0, bytes: 0 };
  return fullScope(limits, { queue: nothing, issuer: nothing, client: nothing }, adding) === undefined;
}

/**
 * When to come back: when a tenth of what waits has ended, at the pace of the last minute; from one second to one minute.
 * @param endedPerSecond as in the figures of the queue
 */
export function retryAfterMs(depth: number, endedPerSecond: number): number {
  if (endedPerSecond <= 0) return 60_000;
  return Math.min(60_000, Math.max(1000, Math.ceil((100 * depth) / endedPerSecond)));
}
