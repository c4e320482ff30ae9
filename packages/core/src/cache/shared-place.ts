/** Where a token's entry goes: eight candidates in two buckets. */
import { type Era, SEQUENCE, SLOT_WORDS, type SharedWords, expiryOf, isAbout, isAlive, readSlot } from './shared-slot.ts';

/** Entries of a bucket. */
export const WAYS = 4;

/** What is to be stored, and when. */
export interface Newcomer {
  readonly digest: Int32Array;
  readonly length: number;
  readonly era: Era;
  readonly nowMs: number;
}

/** An entry that can be written. */
export interface Place {
  readonly at: number;
  /** Its sequence when it was looked at. */
  readonly sequence: number;
  /** Who has it: nobody that counts, another token, or this very one. */
  readonly owner: 'nobody' | 'another' | 'same';
  /** Until when its owner's proof counts, in Unix milliseconds. */
  readonly holdsUntilMs: number;
}

/**
 * Chooses: where the token is already; else a dead entry of the emptier bucket, which evens out how full buckets are (two
 * choices); else the oldest of the bucket that was written less often. Age, not use, because each thread's own cache stands in
 * front: the first minutes of a token are when the other threads meet it.
 * @returns undefined when other writers are at all of them
 */
export function choosePlace(words: SharedWords, buckets: readonly number[], newcomer: Newcomer): Place | undefined {
  const [first, second] = buckets.map((bucket) => survey(words, bucket, newcomer)) as [Survey, Survey];
  const [emptier, fuller] = dead(first) >= dead(second) ? [first, second] : [second, first];
  const [calmer, busier] = first.writes <= second.writes ? [first, second] : [second, first];
  return (
    owned(first, 'same') ??
    owned(second, 'same') ??
    owned(emptier, 'nobody') ??
    owned(fuller, 'nobody') ??
    oldest(calmer) ??
    oldest(busier)
  );
}

interface Survey {
  /** undefined: there is a writer at it, or one was killed there. */
  readonly places: readonly (Place | undefined)[];
  /** Into the bucket, ever. */
  readonly writes: number;
}

const copy = new Int32Array(SLOT_WORDS);

function survey(words: SharedWords, bucket: number, newcomer: Newcomer): Survey {
  const places: (Place | undefined)[] = [];
  let writes = 0;
  for (let way = 0; way < WAYS; way += 1) {
    const at = bucket + way * SLOT_WORDS;
    const isReadable = readSlot(words, at, copy);
    writes += copy[SEQUENCE]! >>> 1;
    places.push(
      isReadable ? { at, sequence: copy[SEQUENCE]!, owner: ownerOf(newcomer), holdsUntilMs: expiryOf(copy) } : undefined,
    );
  }
  return { places, writes };
}

function ownerOf({ digest, length, era, nowMs }: Newcomer): Place['owner'] {
  if (!isAlive(copy, era, nowMs)) return 'nobody';
  return isAbout(copy, digest, length) ? 'same' : 'another';
}

function owned({ places }: Survey, owner: Place['owner']): Place | undefined {
  return places.find((place) => place?.owner === owner);
}

function dead({ places }: Survey): number {
  return places.filter((place) => place?.owner === 'nobody').length;
}

// The number of writes into a full bucket goes round its entries, so it points at the oldest without a word of memory.
function oldest({ places, writes }: Survey): Place | undefined {
  return places.map((_, index) => places[(writes + index) % WAYS]).find((place) => place !== undefined);
}
