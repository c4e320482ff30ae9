/** Anything that has headers, seen from both sides. */

/** Read side: an incoming request, call or message. */
export interface HeaderSource {
  /**
   * Every value the field was sent with, in order, not joined: duplicates must stay visible (B5, E4, TT-25).
   * @param name lower-case field name
   */
  values(name: string): readonly string[];
}

/** Write side: an outgoing request, call or message. */
export interface HeaderSink {
  /** Sets the field to exactly this one value, replacing what was there. */
  set(name: string, value: string): void;
  /** Removes every value of the field. */
  delete(name: string): void;
}

/** HTTP field that carries a Txn-Token, in lower case (TT-25). */
export const TXN_TOKEN_HEADER = 'txn-token';

const NONE: readonly string[] = [];

/** Reads `IncomingMessage.rawHeaders` (name, value, name, value, ...), the only form in which Node keeps duplicates apart. */
export function fromRawHeaders(rawHeaders: readonly string[]): HeaderSource {
  return {
    values(name) {
      let found: string[] | undefined;
      for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
        const candidate = rawHeaders[index]!;
        if (candidate.length === name.length && candidate.toLowerCase() === name) (found ??= []).push(rawHeaders[index + 1]!);
      }
      return found ?? NONE;
    },
  };
}

/** Reads WHATWG `Headers`. They join duplicates with a comma, which no token contains, so a joined value is refused later. */
export function fromHeaders(headers: { get(name: string): string | null }): HeaderSource {
  return {
    values(name) {
      const value = headers.get(name);
      return value === null ? NONE : [value];
    },
  };
}

/** Reads a record of values, as message brokers and tests have them. Names are compared without case. */
export function fromRecord(record: Readonly<Record<string, string | readonly string[] | undefined>>): HeaderSource {
  return {
    values: (name) =>
      Object.entries(record).flatMap(([key, value]) => (key.toLowerCase() === name && value !== undefined ? value : [])),
  };
}

/** Writes into a plain record with lower-case names, replacing every spelling of the name. */
export function toRecord(record: Record<string, string | string[] | undefined>): HeaderSink {
  const remove = (name: string): void => {
    for (const key of Object.keys(record)) if (key.toLowerCase() === name) delete record[key];
  };
  return {
    set(name, value) {
      remove(name);
      record[name] = value;
    },
    delete: remove,
  };
}
