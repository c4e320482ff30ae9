/** Gives the two journals of a run to the checker. */
import { Checker, type Promises, type Verdict } from './checker.ts';
import type { JournalFiles } from './history.ts';
import { type ClientLine, type ServiceLine, readJournal } from './records.ts';

/** Reads both and judges. */
export async function checkJournals({ client, service }: JournalFiles, promises: Promises): Promise<Verdict> {
  const checker = new Checker(promises);
  for await (const line of readJournal<ClientLine>(client)) checker.client(line);
  for await (const line of readJournal<ServiceLine>(service)) checker.service(line);
  return checker.finish();
}
