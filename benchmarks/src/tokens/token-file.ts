/** Tokens as they wait in the buffer of an HTTP parser: bytes, and a fresh string for each request. */
import { readFileSync, writeFileSync } from 'node:fs';

/** Writes tokens to a file, one a line. */
export function writeTokenFile(path: string, tokens: readonly string[]): void {
  writeFileSync(path, tokens.join('\n'), { encoding: 'latin1', mode: 0o600 });
}

/** The tokens of a file. */
export class ReceivedTokens {
  /** How many there are. */
  readonly count: number;
  /** Mean length in bytes. */
  readonly meanBytes: number;
  readonly #bytes: Buffer;
  readonly #ends: Uint32Array;

  /** @param path a file of {@link writeTokenFile} */
  constructor(path: string) {
    this.#bytes = readFileSync(path);
    const ends: number[] = [];
    for (let end = this.#bytes.indexOf('\n'); end !== -1; end = this.#bytes.indexOf('\n', end + 1)) ends.push(end);
    ends.push(this.#bytes.length);
    this.#ends = Uint32Array.from(ends);
    this.count = ends.length;
    this.meanBytes = Math.round((this.#bytes.length + 1) / ends.length - 1);
  }

  /** A new string with the token, as Node's HTTP parser makes one of the bytes of a field. Never the same string twice. */
  text(index: number): string {
    const start = index === 0 ? 0 : this.#ends[index - 1]! + 1;
    return this.#bytes.toString('latin1', start, this.#ends[index]);
  }
}
