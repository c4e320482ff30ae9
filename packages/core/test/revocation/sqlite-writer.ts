/** A process that appends to a SQLite log, one after the other or many at once, and says what was acknowledged. */
import { writeSync } from 'node:fs';
import process from 'node:process';
import { createSqliteRevocationLog } from '../../src/revocation/sqlite-log.ts';

const [path, prefix, count, atOnce] = process.argv.slice(2) as [string, string, string, string];
const log = createSqliteRevocationLog({ path });

for (let index = 0; index < Number(count); index += Number(atOnce)) {
  const batch = Array.from({ length: Number(atOnce) }, (_, offset) => `${prefix}-${index + offset}`);
  await Promise.all(
    batch.map(async (jti) => {
      await log.append({ issuer: 'https://issuer.example', jti, expiresAtMs: 4_000_000_000_000 });
      // Not process.stdout: what is acknowledged must be out before a kill.
      writeSync(1, `${jti}\n`);
    }),
  );
}
await log.close();
