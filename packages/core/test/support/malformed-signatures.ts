/** Signatures that are none. */
import type { SeededRandom } from './seeded-random.ts';

/** What a forger, a broken client or a torn packet might send in the place of a good signature. */
export function malformed(good: Buffer, random: SeededRandom): Buffer[] {
  const flipped = Array.from({ length: 16 }, () => {
    const copy = Buffer.from(good);
    copy[random.int(copy.length)]! ^= 1 << random.int(8);
    return copy;
  });
  return [
    Buffer.alloc(0),
    Buffer.alloc(1),
    Buffer.alloc(good.length),
    Buffer.alloc(good.length, 255),
    good.subarray(1),
    good.subarray(0, -1),
    Buffer.concat([good, Buffer.alloc(1)]),
    Buffer.concat([Buffer.alloc(1), good]),
    Buffer.concat([good, good]),
    // A DER sequence where r and s are expected, and one that lies about its length.
    Buffer.from('3006020101020101', 'hex'),
    Buffer.from('30ff', 'hex'),
    Buffer.alloc(10_000, 7),
    random.bytes(good.length),
    ...flipped,
  ];
}
