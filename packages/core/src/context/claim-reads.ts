/** Which claims a service really reads: what a token need not carry is the cheapest thing to save. */
import { assertText } from '../options.ts';

/** What was read so far, as JSON. Names and counts only: never a value (invariant 5). */
export interface ClaimReadsReport {
  readonly version: 1;
  readonly service: string;
  /** Claim name to how often it was read. */
  readonly reads: Readonly<Record<string, number>>;
}

/** Counts reads of claims. One for each service. */
export class ClaimReads {
  readonly #service: string;
  readonly #counts = new Map<string, number>();

  /** @param service names the service in the report. @throws WatchwordError `config_invalid` */
  constructor(service: string) {
    this.#service = assertText(service, 'service');
  }

  /** Notes one read. The names are those of the program, so there are few. */
  note(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  /** What `watchword inspect --reads` takes. `JSON.stringify(reads)` gives the same. */
  toJSON(): ClaimReadsReport {
    const sorted = [...this.#counts].sort(([left], [right]) => (left < right ? -1 : 1));
    return { version: 1, service: this.#service, reads: Object.fromEntries(sorted) };
  }
}
