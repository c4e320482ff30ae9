/** Tells when more revocations have become known than before. */
import type { RevocationView } from './freshness.ts';

// By the function and not by the view: a copy with a `revokes` of its own has no version, and is asked each time.
const VERSIONS = new WeakMap<RevocationView['revokes'], () => number>();

/** Says that `view.revokes` gives for no token another answer than before, as long as the version is the same, but for time. */
export function giveVersion(view: RevocationView, version: () => number): void {
  VERSIONS.set(view.revokes, version);
}

/** The version that goes with the present `revokes`; undefined: it has none. */
export function versionOf(view: RevocationView): (() => number) | undefined {
  return VERSIONS.get(view.revokes);
}
