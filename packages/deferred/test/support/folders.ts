/** Folders that are gone after the test. */
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** In memory where there is such a place: for tests of what is done, not of what a disk does. */
export function fastFolder(): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'watchword-queue-'));
}

export function diskFolder(): string {
  return mkdtempSync(join(tmpdir(), 'watchword-queue-'));
}
