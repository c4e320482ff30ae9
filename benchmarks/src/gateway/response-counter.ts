/** Counts HTTP/1.1 answers with as little work as possible: one at a time, each with a Content-Length. */

const END_OF_HEAD = '\r\n\r\n';

/** The answers of one connection. */
export class ResponseCounter {
  readonly #statuses: Map<number, number>;
  #text = '';

  /** @param statuses counts by status, shared by all connections */
  constructor(statuses: Map<number, number>) {
    this.#statuses = statuses;
  }

  /** Takes what arrived. @returns whether the answer is complete. @throws Error for what does not look like an answer */
  push(text: string): boolean {
    this.#text += text;
    const end = this.#text.indexOf(END_OF_HEAD);
    if (end < 0) return false;
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.#text.slice(0, end))?.[1];
    if (length === undefined) throw new Error('An answer without Content-Length');
    const missing = end + END_OF_HEAD.length + Number(length) - this.#text.length;
    if (missing < 0) throw new Error('More than the answer arrived');
    if (missing > 0) return false;
    const status = Number(this.#text.slice(9, 12));
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
    this.#text = '';
    return true;
  }
}
