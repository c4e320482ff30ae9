/** What the scripts of a queue give, as the contract says it. */
import {
  type Acceptance,
  type Claim,
  type DeadLetter,
  type EntryStatus,
  type QueueStats,
  retryAfterMs,
} from '@watchword/deferred';

const PACE_SECONDS = 60;

export function acceptanceOf(reply: unknown): Acceptance {
  const [kind, second, depth, endedPerSecond] = textsOf(reply);
  if (kind === 'full') {
    const scope = second as 'queue' | 'issuer' | 'client';
    return { kind, scope, retryAfterMs: retryAfterMs(Number(depth), Number(endedPerSecond)) };
  }
  return kind === 'conflict' ? { kind } : { kind: kind as 'accepted' | 'repeated', id: second! };
}

export function claimOf(reply: unknown, token: string, leaseUntilMs: number): Claim {
  const facts = reply as readonly Buffer[];
  const [id, attempt, acceptedAtMs, runBeforeMs, route, issuer, client, key, fingerprint] = facts.slice(0, 9).map(String) as [
    ...Nine,
  ];
  const entry = {
    id,
    acceptedAtMs: Number(acceptedAtMs),
    runBeforeMs: Number(runBeforeMs),
    route,
    issuer,
    client,
    idempotencyKey: key === '' ? undefined : key,
    fingerprint,
    payload: facts[9]!,
  };
  return { entry, token, attempt: Number(attempt), leaseUntilMs };
}

export function statusOf(id: string, reply: unknown): EntryStatus | undefined {
  const facts = reply as readonly Buffer[];
  if (facts.length === 0) return undefined;
  const [state, attempts, acceptedAtMs, route, client, endedAtMs, word] = facts.slice(0, 7).map(String) as [...Seven];
  const known = { id, acceptedAtMs: Number(acceptedAtMs), route, client, attempts: Number(attempts) };
  if (state === 'accepted' || state === 'claimed') return { ...known, state };
  const ended = { ...known, endedAtMs: Number(endedAtMs) };
  if (state === 'done') return { ...ended, state, status: Number(word), result: facts[7] };
  return { ...ended, state: state as 'refused' | 'dead', reason: word };
}

export function statsOf(reply: unknown, nowMs: number): QueueStats {
  const [totals, claimed, oldest, acceptedLately, endedLately, issuers] = reply as [unknown, ...Five];
  const [entries, depth, accepted, done, refused, dead, replayed, purged] = textsOf(totals).map(Number) as [...Eight];
  return {
    depth,
    claimed: Number(claimed),
    oldestAgeMs: String(oldest) === '' ? 0 : Math.max(0, nowMs - Number(oldest)),
    dead: entries - depth,
    perSecond: { accepted: Number(acceptedLately) / PACE_SECONDS, ended: Number(endedLately) / PACE_SECONDS },
    totals: { accepted, done, refused, dead, replayed, purged },
    byIssuer: Object.fromEntries(pairsOf(textsOf(issuers)).map(([issuer, waiting]) => [issuer, Number(waiting)])),
  };
}

export function letterOf(reply: unknown): DeadLetter {
  const [id, route, issuer, acceptedAtMs, endedAtMs, attempts, reason] = textsOf(reply) as unknown as [...Seven];
  return {
    id,
    route,
    issuer,
    acceptedAtMs: Number(acceptedAtMs),
    endedAtMs: Number(endedAtMs),
    attempts: Number(attempts),
    reason,
  };
}

/** Which of them were answered with 1. */
export function yesNo(reply: unknown): readonly boolean[] {
  return (reply as readonly unknown[]).map((answer) => Number(answer) === 1);
}

export function textsOf(reply: unknown): readonly string[] {
  return (reply as readonly unknown[]).map(String);
}

type Five = [unknown, unknown, unknown, unknown, unknown];
type Seven = [string, string, string, string, string, string, string];
type Eight = [number, number, number, number, number, number, number, number];
type Nine = [...Seven, string, string];

function pairsOf(flat: readonly string[]): readonly (readonly [string, string])[] {
  return flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1]!] as const] : []));
}
