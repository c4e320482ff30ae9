/** Long lists, a page at a time, so that the event loop goes on in between. */
import { setImmediate } from 'node:timers/promises';

/** Items of one page: a few milliseconds of work. */
export const PAGE = 500;

/** Splits a list into pages, and gives way between them. What joins or leaves the list meanwhile may or may not be in one. */
export async function* inPages<Item>(items: Iterable<Item>, size: number = PAGE): AsyncGenerator<readonly Item[], void> {
  let page: Item[] = [];
  for (const item of items) {
    page.push(item);
    if (page.length < size) continue;
    yield page;
    await setImmediate();
    page = [];
  }
  if (page.length > 0) yield page;
}
