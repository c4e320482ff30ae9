/** Notices that a configuration file has changed. */
import { statSync } from 'node:fs';

/** How often it is looked at. */
const EVERY_MS = 1000;

/**
 * Calls back after each change, until the returned function is called. Looks at the file by its name, so it also notices a file
 * that was replaced, and one behind a symbolic link that was (mounted ConfigMaps of Kubernetes).
 */
export function watchConfigFile(fileName: string, changed: () => void, everyMs: number = EVERY_MS): () => void {
  let seen = stateOf(fileName);
  const timer = setInterval(() => {
    const now = stateOf(fileName);
    // Between the removal of the old and the coming of the new there is nothing to read.
    if (now === undefined || now === seen) return;
    seen = now;
    changed();
  }, everyMs).unref();
  return () => clearInterval(timer);
}

function stateOf(fileName: string): string | undefined {
  const stats = statSync(fileName, { bigint: true, throwIfNoEntry: false });
  return stats && `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeNs}`;
}
