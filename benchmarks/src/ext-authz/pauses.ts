/** How long this process stood still while V8 collected. */
import { type PerformanceEntry, PerformanceObserver, constants } from 'node:perf_hooks';

/** Collections since somebody asked. */
export interface Pauses {
  readonly young: number;
  readonly old: number;
  readonly longestMs: number;
  readonly totalMs: number;
}

type CollectionEntry = PerformanceEntry & { readonly detail: { readonly kind: number } };

interface Collection {
  readonly kind: number;
  readonly ms: number;
}

let collections: Collection[] = [];

/** Begins to watch. @returns what tells and forgets */
export function watchPauses(): () => Promise<Pauses> {
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as CollectionEntry[]) collections.push({ kind: entry.detail.kind, ms: entry.duration });
  }).observe({ entryTypes: ['gc'] });
  return async () => {
    // Observers are told turns later.
    await new Promise((resolve) => setTimeout(resolve, 20));
    const seen = collections;
    collections = [];
    const times = seen.map(({ ms }) => ms);
    const young = seen.filter(({ kind }) => kind === constants.NODE_PERFORMANCE_GC_MINOR).length;
    const totalMs = times.reduce((sum, ms) => sum + ms, 0);
    return { young, old: seen.length - young, longestMs: Math.max(0, ...times), totalMs };
  };
}
