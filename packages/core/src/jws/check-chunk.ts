/** Signatures of one key as one message to another thread: objects cost by the piece, octets hardly anything. */
import type { PreparedCheck } from './signature.ts';

/** Checks that have the key in common. */
export interface PackedChunk {
  readonly number: number;
  readonly hash: PreparedCheck[0];
  readonly key: PreparedCheck[2];
  /** In octets: of each input, and of its signature, in turn. */
  readonly lengths: Uint32Array;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What came of them. */
export interface CheckedChunk {
  readonly number: number;
  /** One for each. What is neither `YES` nor `NO` is no answer. */
  readonly answers: Uint8Array;
}

export const NO = 0;
export const YES = 1;
export const NO_ANSWER = 2;

/** @param checks at least one, all with the same key */
export function packChunk(number: number, checks: readonly PreparedCheck[]): PackedChunk {
  const [hash, , key] = checks[0]!;
  const lengths = Uint32Array.from(checks.flatMap(([, input, , signature]) => [input.length, signature.length]));
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const [, input, , signature] of checks) {
    bytes.set(input, at);
    bytes.set(signature, at + input.length);
    at += input.length + signature.length;
  }
  return { number, hash, key, lengths, bytes };
}

/** The other way round. */
export function unpackChunk({ hash, key, lengths, bytes }: PackedChunk): PreparedCheck[] {
  const checks: PreparedCheck[] = [];
  let at = 0;
  const take = (length: number): Buffer => {
    at += length;
    return Buffer.from(bytes.buffer, bytes.byteOffset + at - length, length);
  };
  for (let index = 0; index < lengths.length; index += 2) {
    checks.push([hash, take(lengths[index]!), key, take(lengths[index + 1]!)]);
  }
  return checks;
}
