/** Row S20, for what must outlive its process: killed at any await and at any statement, a revocation that was acknowledged is in force. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, test } from 'vitest';
import { createSqliteRevocationLog } from '../../src/revocation/sqlite-log.ts';
import { expectNothingLost } from '../revocation/killed-revoker.ts';

test(
  'S20: SQLite: whoever is killed at an await or a statement takes nothing with him that was acknowledged, and leaves nothing strange',
  { timeout: 1_800_000 },
  () =>
    expectNothingLost({
      script: join(import.meta.dirname, '../revocation/sqlite-revoker.ts'),
      newPlace() {
        const folder = mkdtempSync(join(tmpdir(), 'watchword-kill-'));
        onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
        return join(folder, 'log.db');
      },
      open: (path) => createSqliteRevocationLog({ path, pollMs: 5 }),
      leastPoints: 50,
      usualPoints: 5,
    }),
);
