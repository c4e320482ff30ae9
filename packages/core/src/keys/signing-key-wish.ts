/** What somebody asks of a set of signing keys, and what has to be written for it: pure, like the plan it is made of. */
import { type KeyView, type MergedKeys, requestAfter, withoutKey } from './signing-key-merge.ts';
import { type KeyTimes, type RotationPolicy, type RotationRequest, planRotation } from './signing-key-plan.ts';

/** What somebody asked for; `none`: no change, not even one that is due. */
export type Wish = RotationRequest | 'none' | { readonly withdraw: string };

/** What has to be written. */
export interface WantedKeys extends KeyView {
  /** The life of a key that has to be made besides. */
  readonly added: KeyTimes | undefined;
  /** Whether a key is taken away by it. */
  readonly isWithdrawal: boolean;
}

/** What is due, and what is wished for. @returns undefined if there is nothing to write */
export function wantedKeys(
  merged: MergedKeys,
  nowMs: number,
  policy: RotationPolicy,
  wish: Wish | undefined,
): WantedKeys | undefined {
  if (wish === 'none') return undefined;
  const left = typeof wish === 'object' ? withoutKey(merged, wish.withdraw, policy) : merged;
  const request = typeof wish === 'object' ? requestAfter(left, nowMs) : wish;
  const { keys, added, isChange } = planRotation(left.keys, nowMs, policy, request);
  const isWithdrawal = left !== merged;
  if (!isChange && !merged.isNews && !isWithdrawal) return undefined;
  return { keys, withdrawn: left.withdrawn, added, isWithdrawal };
}
