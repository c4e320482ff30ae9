/** Three numbers beside each verdict in the table that say on what it rests, so that a hit needs not look at the verdict itself. */
import { type Grounds, type Standing, standingOf } from '../verify/standing.ts';
import { sureSeconds } from '../verify/validity.ts';
import type { VerifiedToken } from '../verify/verified-token.ts';
import type { Verifier } from '../verify/verifier.ts';
import { LAST_NOTE_LIMIT, NOTE_WORDS } from './verdict-segment.ts';

const UNTIL = 0;
const VERSION = 1;
/** Number of the grounds + 1; 0: none, `holds` must be asked. */
const GROUNDS = 2;

/** Grounds that have a number at a time: one for each issuer and key. Fewer than a note can count. */
const MAX_GROUNDS = 4096;
const MAX_VERSION = 2 ** 31 - 1;

/** Writes notes of verdicts, and reads them. */
export class VerdictNotes {
  /** What `write` has written last. */
  readonly written: Int32Array = new Int32Array(NOTE_WORDS);
  readonly #verifier: Verifier;
  readonly #holds: Verifier['holds'];
  readonly #standing: Standing | undefined;
  readonly #maxGrounds: number;
  readonly #numbers = new Map<Grounds, number>();
  #grounds: Grounds[] = [];
  /** How often the numbers have begun again. */
  #eras = 0;
  /**
   * The second from which on all verdicts with notes hold. One number does for all of them, since each held when it was written
   * down: only if the clock was set back it lies ahead, and until it is reached `holds` is asked.
   */
  #from = 0;

  constructor(verifier: Verifier, maxGrounds: number = MAX_GROUNDS) {
    this.#verifier = verifier;
    this.#holds = verifier.holds;
    this.#standing = standingOf(verifier);
    this.#maxGrounds = Math.min(maxGrounds, LAST_NOTE_LIMIT - 1);
  }

  /** Whether the notes, which are current, show that the verdict holds. False: ask `holds`. @throws what `holds` would throw */
  suffice(notes: Int32Array): boolean {
    const number = notes[GROUNDS]!;
    if (number === 0 || this.#verifier.holds !== this.#holds) return false;
    return this.#grounds[number - 1]!.hold(this.#from, notes[UNTIL]!);
  }

  /** Whether writing them anew could not make them better. */
  areCurrent(notes: Int32Array): boolean {
    return this.#standing === undefined || notes[VERSION] === this.#version();
  }

  /** Writes notes of a verdict that was good at some time. @returns {@link written}, until the next call */
  write(verdict: VerifiedToken): Int32Array {
    // Before the question, so that what changes meanwhile makes the notes old.
    const version = this.#version();
    const grounds = version === MAX_VERSION ? undefined : this.#standing?.groundsOf(verdict);
    const number = grounds === undefined ? 0 : this.#numberOf(grounds);
    const { from, until } = sureSeconds(verdict.window);
    this.#from = Math.max(this.#from, from);
    this.written.set([until, version, number]);
    return this.written;
  }

  // Both summands only rise, so an equal sum means that neither did.
  #version(): number {
    return this.#standing === undefined ? 0 : Math.min(MAX_VERSION, this.#standing.version + this.#eras);
  }

  #numberOf(grounds: Grounds): number {
    const known = this.#numbers.get(grounds);
    if (known !== undefined) return known;
    // Numbers in notes would mean other grounds from here on. The next era makes all of them old, and these too.
    if (this.#grounds.length >= this.#maxGrounds) {
      this.#eras += 1;
      this.#numbers.clear();
      this.#grounds = [];
    }
    const number = this.#grounds.push(grounds);
    this.#numbers.set(grounds, number);
    return number;
  }
}
