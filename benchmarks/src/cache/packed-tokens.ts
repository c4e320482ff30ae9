/** Many signed tokens in one block of memory, outside of the heap that is measured, and the verifier that accepts them. */
import { createHmac, randomBytes } from 'node:crypto';
import { type SignatureChecks, type Verifier, createLocalKeys, createVerifier } from '@watchword/core';
import { AUDIENCE, ISSUER, createClaims } from '../tokens/claims.ts';
import { encode } from '../tokens/sign-token.ts';

const SLOT_BYTES = 1408;

/** Tokens of `user-0`, `user-1`, ..., signed with HS256: a million signatures of any other algorithm would take minutes. */
export class PackedTokens {
  readonly count: number;
  readonly #secret = randomBytes(32);
  readonly #bytes: Buffer;
  readonly #lengths: Uint16Array;

  constructor(count: number) {
    this.count = count;
    this.#bytes = Buffer.alloc(count * SLOT_BYTES);
    this.#lengths = new Uint16Array(count);
    const header = encode({ alg: 'HS256', typ: 'at+jwt', kid: 'a1b2c3d4' });
    for (let index = 0; index < count; index += 1) {
      const input = `${header}.${encode(createClaims(`user-${index}`))}`;
      const token = `${input}.${createHmac('sha256', this.#secret).update(input).digest('base64url')}`;
      if (token.length > SLOT_BYTES) throw new RangeError('A token is too long for its place');
      this.#bytes.write(token, index * SLOT_BYTES, 'latin1');
      this.#lengths[index] = token.length;
    }
  }

  /** A new string, as an HTTP parser makes one of what it has just read. */
  text(index: number): string {
    const start = index * SLOT_BYTES;
    return this.#bytes.toString('latin1', start, start + this.#lengths[index]!);
  }

  verifier(checks?: SignatureChecks): Verifier {
    const keys = createLocalKeys({ issuer: ISSUER, keys: [{ alg: 'HS256', kid: 'a1b2c3d4', secret: this.#secret }] });
    const issuers = [{ issuer: ISSUER, audience: AUDIENCE, algorithms: ['HS256' as const], keys }];
    return createVerifier({ issuers, ...(checks && { checks }) });
  }
}

/** A token with one of many wrong signatures. */
export function junkOf(token: string, index: number): string {
  const wrong = Buffer.alloc(32);
  wrong.writeUInt32LE(index + 1);
  return token.slice(0, token.lastIndexOf('.') + 1) + wrong.toString('base64url');
}
