/** A folder for the tokens of one run, gone when it ends, however it ends. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

/** Runs `work` with an empty folder that nobody else can read. */
export async function withTemporaryFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'watchword-benchmark-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  // 200,000 tokens are 200 MB: Ctrl-C must not leave them behind.
  process.on('exit', remove);
  try {
    return await work(folder);
  } finally {
    process.off('exit', remove);
    remove();
  }
}
