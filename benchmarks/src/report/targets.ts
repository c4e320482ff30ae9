/** What was promised, next to what was measured. */

/** One promise. */
export interface Target {
  /** What is compared with what. */
  readonly claim: string;
  /** The measured ratio. */
  readonly ratio: number;
  readonly limit: number;
  readonly bound: 'at least' | 'at most';
}

/** Whether the promise is kept. */
export function isMet({ ratio, limit, bound }: Target): boolean {
  return bound === 'at least' ? ratio >= limit : ratio <= limit;
}

/** As a cell of a table: the ratio and how it stands. */
export function verdict(target: Target): string {
  return `${isMet(target) ? 'PASS' : 'short'} (${target.bound} ${target.limit}x)`;
}
