/** What a store and an instance know of a key set, made into one: what was lost comes back, what was withdrawn does not. */
import { type RotationPolicy, type RotationRequest, currentKey } from './signing-key-plan.ts';
import type { ScheduledKey } from './signing-keys.ts';

/** A key that was taken away before its time. */
export interface WithdrawnKey {
  readonly kid: string;
  /** Until here somebody who was away may still bring it back; Unix milliseconds. */
  readonly untilMs: number;
}

/** Keys, and those that must not be among them. */
export interface KeyView {
  readonly keys: readonly ScheduledKey[];
  readonly withdrawn: readonly WithdrawnKey[];
}

/** Both together. */
export interface MergedKeys extends KeyView {
  /** Keys that the store had lost. */
  readonly restored: number;
  /** Whether the store has to be told of anything. */
  readonly isNews: boolean;
}

/** A store that lost data gets back what an instance may have signed with. Only a withdrawal takes a key away before its time. */
export function mergeKeys(inStore: KeyView, known: KeyView, nowMs: number): MergedKeys {
  const withdrawn = mergeWithdrawn(inStore.withdrawn, known.withdrawn, nowMs);
  const kids = new Set(withdrawn.map(({ kid }) => kid));
  const keys = new Map(inStore.keys.filter(({ key }) => !kids.has(key.kid)).map((one) => [one.key.kid, one]));
  const wasLost = keys.size < inStore.keys.length || withdrawn.some(({ kid }) => !has(inStore.withdrawn, kid));
  let restored = 0;
  for (const one of known.keys) {
    const { kid } = one.key;
    const stored = keys.get(kid);
    if (kids.has(kid) || nowMs >= one.goneAtMs || (stored !== undefined && stored.endsAtMs >= one.endsAtMs)) continue;
    keys.set(kid, one);
    restored += 1;
  }
  return { keys: [...keys.values()], withdrawn, restored, isNews: restored > 0 || wasLost };
}

/** The view without one key; the same view if there is no such key. */
export function withoutKey(view: KeyView, kid: string, { toleranceMs }: RotationPolicy): KeyView {
  const key = view.keys.find((one) => one.key.kid === kid);
  if (key === undefined) return view;
  // By the clock of whoever is latest, as seen by whoever is ahead.
  const tombstone = { kid, untilMs: key.goneAtMs + 2 * toleranceMs };
  return { keys: view.keys.filter((one) => one !== key), withdrawn: [...view.withdrawn, tombstone] };
}

/** What a withdrawal needs besides: a key that signs, if none is left. */
export function requestAfter(left: KeyView, nowMs: number): RotationRequest | undefined {
  return currentKey(left.keys, nowMs) === undefined ? 'at-once' : undefined;
}

function mergeWithdrawn(inStore: readonly WithdrawnKey[], known: readonly WithdrawnKey[], nowMs: number): WithdrawnKey[] {
  return [...inStore, ...known.filter(({ kid }) => !has(inStore, kid))].filter(({ untilMs }) => nowMs < untilMs);
}

function has(withdrawn: readonly WithdrawnKey[], kid: string): boolean {
  return withdrawn.some((one) => one.kid === kid);
}
