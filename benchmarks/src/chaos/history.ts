/** What was written down of one order, by both sides and in the order of time, with what was killed meanwhile. */
import { type ClientLine, type ServiceLine, readJournal } from './records.ts';

/** Where both sides have written. */
export interface JournalFiles {
  readonly client: string;
  readonly service: string;
}

const MOST_LINES = 60;

/** Lines for people. */
export async function historyOf(order: string, { client, service }: JournalFiles): Promise<readonly string[]> {
  const lines: { readonly at: number; readonly text: string; readonly isOwn: boolean }[] = [];
  for await (const line of readJournal<ClientLine>(client)) {
    const { at, ...rest } = line;
    const isOwn = 'order' in rest && rest.order === order;
    if (isOwn || 'name' in rest) lines.push({ at, text: `client   ${JSON.stringify(rest)}`, isOwn });
  }
  for await (const { at, ...rest } of readJournal<ServiceLine>(service)) {
    if (rest.order === order) lines.push({ at, text: `service  ${JSON.stringify(rest)}`, isOwn: true });
  }
  const own = lines.filter(({ isOwn }) => isOwn).map(({ at }) => at);
  const [first, last] = [Math.min(...own), Math.max(...own)];
  return lines
    .filter(({ at }) => at >= first && at <= last)
    .sort((left, right) => left.at - right.at)
    .slice(0, MOST_LINES)
    .map(({ at, text }) => `  ${new Date(at).toISOString().slice(11, 23)}  ${text}`);
}
