/** How a real process opens a SQLite queue. */
import { type Queue, createSqliteQueue } from '../../src/index.ts';

export function openQueue(path: string): Queue {
  return createSqliteQueue({ path });
}
