/**
 * The NH universal hash (UMAC, RFC 4418 section 5.2) as a WebAssembly module, assembled here instruction by instruction: 32-bit
 * additions and 32x32->64-bit multiplications, which JavaScript numbers don't have and SIMD does four at a time.
 */

/** Longest input in bytes. Longer than any request header that Node reads by default. */
export const NH_MAX_BYTES = 16_384;

/** Bytes of key behind that of NH: four times nine 64-bit numbers. */
const FOLD_BYTES = 288;

/** Offsets into the module's memory. */
export const NH_LAYOUT: { readonly key: number; readonly keyBytes: number; readonly input: number; readonly output: number } = {
  /** Random key: as long as the longest input, plus three shifts of 16 bytes and the last vector; then that of the fold. */
  key: 0,
  keyBytes: NH_MAX_BYTES + 64 + FOLD_BYTES,
  /** Input, padded with zeros to a multiple of 32 bytes. */
  input: 20_480,
  /** Four 64-bit sums, and what they are folded to: four 32-bit words. */
  output: 40_960,
};

// Node has WebAssembly; its type definitions leave it to the browser's, which would bring much else that Node lacks.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

/** What the module exports. */
export interface NhExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  /** Pads the input, of which `length` bytes are above 0, and computes the first sum and the first word. */
  readonly begin: (length: number) => void;
  /** Computes the other three of both. */
  readonly finish: (length: number) => void;
}

/** Compiles the module. @throws where WebAssembly with SIMD is switched off */
export function instantiateNh(): NhExports {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(assembleModule()));
  return instance.exports as NhExports;
}

const LANES = [0, 1, 2, 3];
// In two functions: where a table looks first is known from one lane, and it can begin to fetch that from memory.
const FIRST_LANE = [0];
const OTHER_LANES = [1, 2, 3];

// Locals: the parameter, the running offset, and vectors.
const LENGTH = 0;
const OFFSET = 1;
const FIRST = 2;
const SECOND = 3;
const LEFT = 4;
const RIGHT = 5;
const SUM = 6;
const I32 = 0x7f;
const V128 = 0x7b;

function assembleModule(): Uint8Array<ArrayBuffer> {
  const functions = [body(pad(), FIRST_LANE, FIRST_LANE), body([], OTHER_LANES, LANES)];
  return new Uint8Array([
    ...Buffer.from('\0asm\x01\0\0\0', 'latin1'), // magic number and version
    ...section(1, [1, 0x60, 1, I32, 0]), // one type: (i32) -> ()
    ...section(3, [2, 0, 0]), // two functions of that type
    ...section(5, [1, 0x01, 1, 1]), // one memory: exactly one page of 64 KiB
    ...section(7, [3, ...text('memory'), 0x02, 0, ...text('begin'), 0x00, 0, ...text('finish'), 0x00, 1]), // exports
    ...section(10, [2, ...functions.flat()]),
  ]);
}

// Sums some lanes, and folds words of the digest, one for each of these lanes, from all lanes that are `known` then.
function body(before: number[], lanes: number[], known: number[]): number[] {
  const vectors = locals([1, I32], [SUM + LANES.length - FIRST, V128]);
  const fold = lanes.flatMap((word) => storeFold(word, known));
  const code = [...vectors, ...before, ...loopOverBlocks(lanes), ...lanes.flatMap(storeSum), ...fold, 0x0b];
  return [...leb(code.length), ...code];
}

// 32 zeros behind the input: more than it takes to the end of the block.
function pad(): number[] {
  const zeros = [...simd(0x0c), ...Array.from({ length: 16 }, () => 0)]; // v128.const
  const store = (after: number): number[] => [get(LENGTH), zeros, simd(0x0b), [0], leb(NH_LAYOUT.input + after)].flat(); // v128.store
  return [...store(0), ...store(16)];
}

// Each block of 32 bytes adds, to the sum of each lane, four products (m[i] + k[i]) * (m[i+4] + k[i+4]).
function loopOverBlocks(lanes: number[]): number[] {
  return [
    [0x03, 0x40], // loop
    load(NH_LAYOUT.input),
    set(FIRST),
    load(NH_LAYOUT.input + 16),
    set(SECOND),
    ...lanes.map(addProducts),
    [...get(OFFSET), 0x41, ...leb(32), 0x6a, 0x22, OFFSET], // offset += 32
    [...get(LENGTH), 0x49, 0x0d, 0], // continue while offset < length
    [0x0b],
  ].flat();
}

// Toeplitz construction: each lane uses the key 16 bytes further on (RFC 4418 section 5.2), so four lanes cost one key.
function addProducts(lane: number): number[] {
  const sum = SUM + lane;
  return [
    [get(FIRST), load(NH_LAYOUT.key + 16 * lane), simd(0xae), set(LEFT)], // i32x4.add
    [get(SECOND), load(NH_LAYOUT.key + 16 * (lane + 1)), simd(0xae), set(RIGHT)],
    [get(LEFT), get(RIGHT), simd(0xde)], // i64x2.extmul_low_i32x4_u
    [get(LEFT), get(RIGHT), simd(0xdf)], // i64x2.extmul_high_i32x4_u
    [simd(0xce), get(sum), simd(0xce), set(sum)], // i64x2.add, twice
  ].flat(2);
}

function storeSum(lane: number): number[] {
  const half = (index: number): number[] => [...get(SUM + lane), ...simd(0x1d), index]; // i64x2.extract_lane
  return [[0x41, 0], half(0), half(1), [0x7c, 0x37, 3], leb(NH_LAYOUT.output + 8 * lane)].flat(); // i64.add, i64.store
}

// Multilinear-HM (Lemire and Kaser 2014, "Strongly universal string hashing is fast", section 3): c + sum of (a + high) * (b + low)
// over the sums, modulo 2^64, of which the upper half counts.
function storeFold(word: number, lanes: number[]): number[] {
  const key = NH_LAYOUT.key + NH_MAX_BYTES + 64 + 72 * word;
  const product = (lane: number): number[] => {
    const [sum, keys] = [NH_LAYOUT.output + 8 * lane, key + 8 + 16 * lane];
    const [left, right] = [
      [...wide(0x29, keys), ...wide(0x35, sum + 4)],
      [...wide(0x29, keys + 8), ...wide(0x35, sum)],
    ];
    return [...left, 0x7c, ...right, 0x7c, 0x7e, 0x7c]; // i64.add, i64.add, i64.mul, i64.add
  };
  const hash = [...wide(0x29, key), ...lanes.flatMap(product), 0x42, 32, 0x88]; // i64.shr_u by 32
  return [0x41, 0, ...hash, 0x3e, 2, ...leb(NH_LAYOUT.output + 32 + 4 * word)]; // i64.store32
}

const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const simd = (opcode: number): number[] => [0xfd, ...leb(opcode)];
// v128.load at the running offset plus a constant, alignment hint 16 bytes.
const load = (address: number): number[] => [...get(OFFSET), ...simd(0x00), 4, ...leb(address)];
// i64.load (0x29) or i64.load32_u (0x35).
const wide = (opcode: number, address: number): number[] => [0x41, 0, opcode, 2, ...leb(address)];
const text = (name: string): number[] => [name.length, ...Buffer.from(name)];
const section = (id: number, content: number[]): number[] => [id, ...leb(content.length), ...content];
const locals = (...groups: [number, number][]): number[] => [groups.length, ...groups.flat()];

// Unsigned LEB128; every signed constant in use (32) reads the same in both forms.
function leb(value: number): number[] {
  const low = value & 0x7f;
  return value < 0x80 ? [low] : [low | 0x80, ...leb(value >>> 7)];
}
