/** A process that tries to spend the same 50 tokens as its siblings, and tells its parent how many were its own. */
import process from 'node:process';
import { createSqliteSpentTokens } from '../../src/replay/sqlite-spent-tokens.ts';

const spent = createSqliteSpentTokens({ path: process.argv[2]! });
let won = 0;
for (let index = 0; index < 50; index += 1) if (await spent.spend(`token ${index}`, 1e15)) won += 1;
await spent.close();
process.send!(won);
