/** A bounded hash table from token digests to verdicts, with SIEVE eviction. It grows part by part: no call has to move them all. */
import { AgeOrder, NONE } from './age-order.ts';
import { type TokenDigest, homeOf } from './token-digest.ts';
import { NOTE_WORDS, SlotMemory, VerdictSegment } from './verdict-segment.ts';

/** Hears of each verdict that comes and goes, under a number that stays the same in between. */
export interface TableObserver<Verdict> {
  added(node: number, verdict: Verdict): void;
  removed(node: number): void;
  /** Numbers lie below `capacity` from now on. */
  grown(capacity: number): void;
}

/** Verdicts that one segment is meant for: 65,536 slots at most. To double to that many takes some 5 ms. */
const SEGMENT_ENTRIES = 24_576;
/** Slots of all segments together when they are new. */
const FIRST_SLOTS = 2048;
const LEAST_SLOTS = 16;
/** So seldom full that few hits look into a second line: that one is in cold memory too. */
const MOST_FULL = { first: 0.3, last: 0.5 };
/** Share of the slots that entries take, at most, when the table is full. */
const FULL = 0.5;
/** The bits of a home from here on choose the segment, those below the slot: at most 1024 segments of 2^22 slots. */
const SEGMENT_SHIFT = 22;

/** Maps digests to verdicts. The caller brings a digest in `TokenDigest.brief` and the length of the token. */
export class VerdictTable<Verdict> {
  /** What is noted beside the verdict that `get` has just found. */
  readonly notes: Int32Array = new Int32Array(NOTE_WORDS);
  readonly #maxEntries: number;
  readonly #digest: TokenDigest;
  readonly #observer: TableObserver<Verdict> | undefined;
  readonly #segments: readonly VerdictSegment<Verdict>[];
  readonly #segmentMask: number;
  /** Knows the place of each entry and its age. A hit never looks at it. */
  readonly #order = new AgeOrder();
  #capacity = 0;
  #evictions = 0;

  constructor(maxEntries: number, digest: TokenDigest, observer?: TableObserver<Verdict>) {
    this.#maxEntries = maxEntries;
    this.#digest = digest;
    this.#observer = observer;
    const count = 2 ** Math.ceil(Math.log2(Math.max(1, maxEntries / SEGMENT_ENTRIES)));
    const most = 2 ** Math.ceil(Math.log2(maxEntries / count / FULL));
    const slots = Math.min(most, Math.max(LEAST_SLOTS, FIRST_SLOTS / count));
    const memory = new SlotMemory(count, most);
    this.#segments = Array.from(
      { length: count },
      (_, index) =>
        new VerdictSegment<Verdict>(this.#order, index, count, memory.partOf(index), slots, mostFull((index + 0.5) / count)),
    );
    this.#segmentMask = count - 1;
  }

  get size(): number {
    return this.#order.size;
  }

  /** Entries that had to make place for others. */
  get evictions(): number {
    return this.#evictions;
  }

  /**
   * Begins a look-up when a digest has begun, so that memory is on its way while the digest goes on.
   * @returns what `get` wants, of this digest
   */
  begin(): number {
    const home = homeOf(this.#digest.brief, 0);
    this.#segment(home).prefetch(home);
    return home;
  }

  /** The verdict under the current digest. Marks it as used. @param home what `begin` has returned */
  get(tokenLength: number, home: number = this.begin()): Verdict | undefined {
    return this.#segment(home).get(home, this.#digest.brief, tokenLength, this.notes);
  }

  /** The verdict with a number that the observer was given. */
  at(node: number): Verdict {
    const place = this.#order.placeOf(node);
    return this.#segmentAt(place).verdictAt(this.#slotAt(place));
  }

  /** Stores a verdict under the current digest, with nothing noted, evicting another if the table is full. */
  set(tokenLength: number, verdict: Verdict): void {
    const segment = this.#segment();
    const slot = segment.find(this.#digest.brief, tokenLength);
    const node = segment.nodeAt(slot);
    if (node === NONE) {
      this.#insert(segment, tokenLength, verdict);
      return;
    }
    this.#observer?.removed(node);
    segment.replace(slot, verdict);
    this.#observer?.added(node, verdict);
  }

  /** Notes numbers beside the verdict under the current digest, if there is one. */
  note(tokenLength: number, notes: Int32Array): void {
    const segment = this.#segment();
    const slot = segment.find(this.#digest.brief, tokenLength);
    if (segment.nodeAt(slot) !== NONE) segment.note(slot, notes);
  }

  /** Removes the verdict under the current digest. */
  delete(tokenLength: number): void {
    const segment = this.#segment();
    const node = segment.nodeAt(segment.find(this.#digest.brief, tokenLength));
    if (node !== NONE) this.remove(node);
  }

  /** Removes the verdict with a number. */
  remove(node: number): void {
    const place = this.#order.placeOf(node);
    this.#order.remove(node);
    this.#segmentAt(place).remove(this.#slotAt(place));
    this.#observer?.removed(node);
  }

  /** Removes the least useful verdict. There must be one. */
  evict(): void {
    const victim = this.#order.victim((place) => this.#segmentAt(place).wasVisited(this.#slotAt(place)));
    this.#evictions += 1;
    this.remove(victim);
  }

  /** Removes everything. */
  clear(): void {
    while (this.size > 0) this.remove(this.#order.oldest);
  }

  #insert(segment: VerdictSegment<Verdict>, tokenLength: number, verdict: Verdict): void {
    if (this.size >= this.#maxEntries) this.evict();
    const node = segment.insert(this.#digest.brief, tokenLength, verdict);
    if (this.#order.capacity > this.#capacity) this.#observer?.grown((this.#capacity = this.#order.capacity));
    this.#observer?.added(node, verdict);
  }

  // By default that of the current digest.
  #segment(home: number = homeOf(this.#digest.brief, 0)): VerdictSegment<Verdict> {
    return this.#segments[(home >>> SEGMENT_SHIFT) & this.#segmentMask]!;
  }

  #segmentAt(place: number): VerdictSegment<Verdict> {
    return this.#segments[place & this.#segmentMask]!;
  }

  #slotAt(place: number): number {
    return Math.floor(place / this.#segments.length);
  }
}

// Each segment grows at another time: together they would make the collector stop for all of them at once.
function mostFull(share: number): number {
  return MOST_FULL.first + share * (MOST_FULL.last - MOST_FULL.first);
}
