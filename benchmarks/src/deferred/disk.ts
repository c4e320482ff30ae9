/** The disk under the queue: whether its syncs are real, and what is on it. */
import { closeSync, fdatasyncSync, openSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { median } from '../statistics.ts';

const TMPFS = 0x01021994;
const SYNCS = 25;
const PAGE = Buffer.alloc(8192, 1);

/** Whether anything that is written there can outlive a loss of power. */
export function isDisk(folder: string): boolean {
  return statfsSync(folder).type !== TMPFS;
}

/** Median time in milliseconds until a page that is appended has reached the disk. */
export function measureSync(folder: string): number {
  const file = openSync(join(folder, 'sync'), 'w', 0o600);
  try {
    const times = Array.from({ length: SYNCS }, () => {
      writeSync(file, PAGE);
      const startMs = performance.now();
      fdatasyncSync(file);
      return performance.now() - startMs;
    });
    return median(times);
  } finally {
    closeSync(file);
  }
}

/** How many requests a queue holds, as another process reads it. */
export function countStored(queueFile: string): number {
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  const database = new DatabaseSync(queueFile, { readOnly: true });
  try {
    return Number(database.prepare('SELECT count(*) AS count FROM entries JOIN bodies USING (seq)').get()!['count']);
  } finally {
    database.close();
  }
}
