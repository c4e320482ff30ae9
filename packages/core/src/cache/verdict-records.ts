/** What a hit must read of a verdict besides the verdict itself: digest, length and notes, one cache line for each number. */
import { DIGEST_WORDS, homeOf } from './token-digest.ts';

/** Numbers that can be kept beside a verdict. */
export const NOTE_WORDS = 4;

// One record is 16 words, 64 bytes: 8 of digest, then these.
const WORDS = 16;
const LENGTH = 8;
const VISITED = 9;
const NOTES = 10;
/** Large typed arrays begin 16 bytes after a cache line. With so many words in front of it the first record begins one. */
const AHEAD = 12;
const CHUNK_BITS = 16;
const CHUNK = 2 ** CHUNK_BITS;
const WITHIN = CHUNK - 1;

/** Records by the number of the entry. Numbers have no gaps: as little memory as can be has to be kept near. */
export class VerdictRecords {
  /** 65,536 records each; the first one doubles until it is that long. */
  readonly #chunks: Int32Array[] = [];
  #capacity = 0;

  /** Makes place for numbers below `capacity`. Each step copies or clears one chunk at most. */
  grow(capacity: number): void {
    while (this.#capacity < capacity) this.#capacity = this.#capacity < CHUNK ? this.#lengthenFirst(capacity) : this.#addChunk();
  }

  /** A new record, not used yet, with nothing noted. */
  write(node: number, words: Int32Array, tokenLength: number): void {
    const chunk = this.#chunkOf(node);
    const at = placeOf(node);
    chunk.fill(0, at, at + WORDS);
    chunk.set(words, at);
    chunk[at + LENGTH] = tokenLength;
  }

  matches(node: number, words: Int32Array, tokenLength: number): boolean {
    return equals(this.#chunkOf(node), placeOf(node), words, tokenLength);
  }

  /** If it matches: marks it as used, and copies what is noted. @returns whether it matches */
  use(node: number, words: Int32Array, tokenLength: number, notes: Int32Array): boolean {
    const chunk = this.#chunkOf(node);
    const at = placeOf(node);
    if (!equals(chunk, at, words, tokenLength)) return false;
    // Read before write: a line that stays clean needs not go back to memory.
    if (chunk[at + VISITED] === 0) chunk[at + VISITED] = 1;
    notes[0] = chunk[at + NOTES]!;
    notes[1] = chunk[at + NOTES + 1]!;
    notes[2] = chunk[at + NOTES + 2]!;
    notes[3] = chunk[at + NOTES + 3]!;
    return true;
  }

  note(node: number, notes: Int32Array): void {
    this.#chunkOf(node).set(notes, placeOf(node) + NOTES);
  }

  forgetNotes(node: number): void {
    const at = placeOf(node) + NOTES;
    this.#chunkOf(node).fill(0, at, at + NOTE_WORDS);
  }

  /** Whether the verdict was used since this was last asked. */
  wasVisited(node: number): boolean {
    const chunk = this.#chunkOf(node);
    const at = placeOf(node) + VISITED;
    const wasVisited = chunk[at] === 1;
    if (wasVisited) chunk[at] = 0;
    return wasVisited;
  }

  /** {@link homeOf} the digest. */
  homeOf(node: number): number {
    return homeOf(this.#chunkOf(node), placeOf(node));
  }

  #lengthenFirst(wanted: number): number {
    const capacity = Math.min(CHUNK, wanted);
    const chunk = emptyChunk(capacity);
    if (this.#capacity > 0) chunk.set(this.#chunks[0]!);
    this.#chunks[0] = chunk;
    return capacity;
  }

  #addChunk(): number {
    this.#chunks.push(emptyChunk(CHUNK));
    return this.#capacity + CHUNK;
  }

  #chunkOf(node: number): Int32Array {
    return this.#chunks[node >>> CHUNK_BITS]!;
  }
}

function emptyChunk(records: number): Int32Array {
  return new Int32Array(AHEAD + WORDS * records);
}

function placeOf(node: number): number {
  return AHEAD + (node & WITHIN) * WORDS;
}

function equals(chunk: Int32Array, at: number, words: Int32Array, tokenLength: number): boolean {
  // The length is part of the key: the bound on collisions holds among tokens of one length.
  let difference = chunk[at + LENGTH]! ^ tokenLength;
  for (let word = 0; word < DIGEST_WORDS; word += 1) difference |= chunk[at + word]! ^ words[word]!;
  return difference === 0;
}
