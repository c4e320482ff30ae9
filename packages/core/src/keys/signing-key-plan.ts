/** When a signing key is published, used, retired and forgotten: a pure state machine, in which time alone changes a state. */
import { assertConfig } from '../errors.ts';
import { assertBetween } from '../options.ts';

/**
 * The life of one key, in Unix milliseconds, decided when it is made. All who share a set read the same times, so a change of
 * state needs no message, and no store that can be reached.
 */
export interface KeyTimes {
  /** From here on verifiers can see it. */
  readonly publishedAtMs: number;
  /** From here on it signs. */
  readonly activatesAtMs: number;
  /** Here it stops signing, whether there is another key or not. */
  readonly endsAtMs: number;
  /** Latest `exp` of what it signs. */
  readonly tokensUntilMs: number;
  /** Here it leaves the published set: nothing that it signed is accepted any more, by any clock within the tolerance. */
  readonly goneAtMs: number;
}

/** What a key is good for now. */
export type KeyState = 'next' | 'current' | 'retiring' | 'gone';

/** How keys follow each other. Times in milliseconds. */
export interface RotationPolicy {
  /** From the activation of one key to that of the next. */
  readonly rotateEveryMs: number;
  /** How long a key is published before it signs: longer than any verifier, or any cache on the way to it, keeps a key set. */
  readonly publishAheadMs: number;
  /** How much longer than planned a key may sign while no successor can be stored. After that nothing is signed. */
  readonly holdMs: number;
  /** Longest life of a token. */
  readonly tokenLifetimeMs: number;
  /** Most by which the clocks of two instances, or of an instance and a verifier, differ. */
  readonly toleranceMs: number;
}

/** What has to change in a set of keys. */
export interface RotationPlan<Key extends KeyTimes> {
  /** The keys that stay, one of them perhaps with a later end. */
  readonly keys: readonly Key[];
  /** The life of a key that has to be made. */
  readonly added: KeyTimes | undefined;
  /** Whether there is anything to be stored. */
  readonly isChange: boolean;
  /** When there will be something to do, unless somebody asks for it. */
  readonly dueAtMs: number;
}

/** Why a rotation comes before its time: `planned` publishes first; `at-once` does not wait for verifiers to know the new key. */
export type RotationRequest = 'planned' | 'at-once';

/** What is to be done now. Keys come back as they are, but for the one that has to sign until its successor may. */
export function planRotation<Key extends KeyTimes>(
  keys: readonly Key[],
  nowMs: number,
  policy: RotationPolicy,
  request?: RotationRequest,
): RotationPlan<Key> {
  const kept = keys.filter((key) => isKept(key, nowMs, policy));
  const added = addition(kept, nowMs, policy, request);
  const all = added === undefined ? kept : bridge(kept, added, nowMs, policy);
  return {
    keys: all,
    added,
    isChange: added !== undefined || kept.length < keys.length,
    dueAtMs: dueAt(added === undefined ? kept : [...kept, added], nowMs, policy),
  };
}

/** The key that signs now; undefined: none may. Of several the one that was activated last. */
export function currentKey<Key extends KeyTimes>(keys: readonly Key[], nowMs: number): Key | undefined {
  return latestOf(keys.filter((key) => key.activatesAtMs <= nowMs && nowMs < key.endsAtMs));
}

/** The keys that verifiers are to know, the newest first. */
export function publishedKeys<Key extends KeyTimes>(keys: readonly Key[], nowMs: number): readonly Key[] {
  return keys.filter((key) => nowMs < key.goneAtMs).toSorted((one, other) => other.activatesAtMs - one.activatesAtMs);
}

/** The state of one key of a set. */
export function stateOf<Key extends KeyTimes>(key: Key, keys: readonly Key[], nowMs: number): KeyState {
  if (nowMs >= key.goneAtMs) return 'gone';
  if (nowMs < key.activatesAtMs) return 'next';
  return currentKey(keys, nowMs) === key ? 'current' : 'retiring';
}

/** Checks a policy. @throws WatchwordError `config_invalid` naming the option */
export function readRotationPolicy(policy: RotationPolicy): RotationPolicy {
  const time = (name: keyof RotationPolicy, least: number): number =>
    assertBetween(policy[name], least, 1e12, `signingKeys.${name}`);
  const read = {
    rotateEveryMs: time('rotateEveryMs', 1),
    publishAheadMs: time('publishAheadMs', 1),
    holdMs: time('holdMs', 0),
    tokenLifetimeMs: time('tokenLifetimeMs', 1000),
    toleranceMs: time('toleranceMs', 0),
  };
  // Otherwise keys would have to be published in pairs.
  assertConfig(read.rotateEveryMs >= read.publishAheadMs, 'signingKeys.rotateEveryMs: must be at least publishAheadMs');
  assertConfig(
    read.publishAheadMs > read.toleranceMs,
    'signingKeys.publishAheadMs: must be longer than toleranceMs: a clock that is ahead uses the key sooner',
  );
  return read;
}

// What is gone by this clock may still be published by another one. A key from the future was made by a clock that was wrong.
function isKept({ goneAtMs, publishedAtMs }: KeyTimes, nowMs: number, { toleranceMs }: RotationPolicy): boolean {
  return nowMs < goneAtMs + toleranceMs && publishedAtMs <= nowMs + toleranceMs;
}

function addition(
  keys: readonly KeyTimes[],
  nowMs: number,
  policy: RotationPolicy,
  request: RotationRequest | undefined,
): KeyTimes | undefined {
  const latest = latestOf(keys.filter(({ endsAtMs }) => nowMs < endsAtMs));
  // Nobody can sign: there is nothing to wait for. Verifiers learn of this key as of any unknown one, by fetching.
  // Dated back, so that it is good at once by every clock.
  const atOnceMs = nowMs - policy.toleranceMs;
  if (latest === undefined || request === 'at-once') return lifeFrom(atOnceMs, atOnceMs, policy);
  const wantedAtMs = nowMs + policy.publishAheadMs;
  if (request === 'planned') return latest.activatesAtMs > nowMs ? undefined : lifeFrom(nowMs, wantedAtMs, policy);
  const dueAtMs = latest.activatesAtMs + policy.rotateEveryMs;
  return wantedAtMs < dueAtMs ? undefined : lifeFrom(nowMs, wantedAtMs, policy);
}

function lifeFrom(publishedAtMs: number, activatesAtMs: number, policy: RotationPolicy): KeyTimes {
  return { publishedAtMs, activatesAtMs, ...endAt(activatesAtMs + policy.rotateEveryMs + policy.holdMs, policy) };
}

function endAt(endsAtMs: number, { tokenLifetimeMs, toleranceMs }: RotationPolicy) {
  const tokensUntilMs = endsAtMs + tokenLifetimeMs;
  return { endsAtMs, tokensUntilMs, goneAtMs: tokensUntilMs + toleranceMs };
}

// A store that was away for long must not leave a gap between the end of one key and the first use of the next.
function bridge<Key extends KeyTimes>(keys: readonly Key[], added: KeyTimes, nowMs: number, policy: RotationPolicy): Key[] {
  const current = currentKey(keys, nowMs);
  const endsAtMs = added.activatesAtMs + policy.toleranceMs;
  return keys.map((key) => (key === current && key.endsAtMs < endsAtMs ? { ...key, ...endAt(endsAtMs, policy) } : key));
}

function dueAt(keys: readonly KeyTimes[], nowMs: number, policy: RotationPolicy): number {
  const latest = latestOf(keys.filter(({ endsAtMs }) => nowMs < endsAtMs));
  const additionAtMs = latest === undefined ? nowMs : latest.activatesAtMs + policy.rotateEveryMs - policy.publishAheadMs;
  return Math.min(additionAtMs, ...keys.map(({ goneAtMs }) => goneAtMs + policy.toleranceMs));
}

function latestOf<Key extends KeyTimes>(keys: readonly Key[]): Key | undefined {
  let latest: Key | undefined;
  for (const key of keys) if (latest === undefined || key.activatesAtMs > latest.activatesAtMs) latest = key;
  return latest;
}
