/** Many statuses, packed into bytes (Token Status List section 4.1). */
import { promisify } from 'node:util';
import { type InputType, type ZlibOptions, inflate } from 'node:zlib';
import { WatchwordError } from '../../errors.ts';
import { decodeBase64url } from '../../jws/base64url.ts';

/** Bits of one status. */
export type StatusSize = 1 | 2 | 4 | 8;

/** The registered values (SL-4). */
export const STATUS_VALID = 0;
export const STATUS_INVALID = 1;
export const STATUS_SUSPENDED = 2;

/** Whether a value is one of the four sizes. */
export function isStatusSize(value: unknown): value is StatusSize {
  return value === 1 || value === 2 || value === 4 || value === 8;
}

/** A list, unpacked from its compressed form. */
export class StatusBits {
  readonly #bytes: Uint8Array;
  readonly #size: StatusSize;

  constructor(bytes: Uint8Array, size: StatusSize) {
    this.#bytes = bytes;
    this.#size = size;
  }

  /** Memory, in bytes. */
  get byteLength(): number {
    return this.#bytes.length;
  }

  /** The status at an index; undefined beyond the end. Index 0 is in the least significant bits of the first byte (SL-3). */
  at(idx: number): number | undefined {
    const perByte = 8 / this.#size;
    // Not with shifts: an index may have more than 32 bits.
    const byte = this.#bytes[Math.floor(idx / perByte)];
    return byte === undefined ? undefined : (byte >> ((idx % perByte) * this.#size)) & (2 ** this.#size - 1);
  }
}

/**
 * Decompresses `lst`, off the main thread. The output is bounded in bytes and by nothing else: DEFLATE can't exceed 1032:1, and a
 * list in which all is well comes close to it, so a bound on the ratio would refuse the best lists first.
 * @throws WatchwordError `revocation_unavailable`
 */
export async function unpackStatuses(lst: string, size: StatusSize, maxBytes: number): Promise<StatusBits> {
  const packed = decodeBase64url(lst);
  const { buffer, engine } = await inflateLimited(packed, maxBytes);
  if (engine.bytesWritten !== packed.length) throw unusable('lst: bytes after the end of the compressed list');
  // A copy: the buffer may be a small part of a large one.
  return new StatusBits(new Uint8Array(buffer), size);
}

interface Inflated {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

const inflateWithInfo = promisify<InputType, ZlibOptions, unknown>(inflate);

async function inflateLimited(packed: Buffer, maxBytes: number): Promise<Inflated> {
  try {
    return (await inflateWithInfo(packed, { maxOutputLength: maxBytes, info: true })) as Inflated;
  } catch (error) {
    const isTooLarge = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    throw unusable(isTooLarge ? `lst: more than ${maxBytes} bytes` : 'lst: not in ZLIB format');
  }
}

function unusable(reason: string): WatchwordError {
  return new WatchwordError('revocation_unavailable', reason);
}
