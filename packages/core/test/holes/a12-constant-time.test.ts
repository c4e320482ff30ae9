/** Row A12: MACs are compared in constant time. */
import { createHmac } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { verifySignature } from '../../src/jws/signature.ts';
import { createVerificationKey } from '../../src/keys/verification-key.ts';

// The real thing, watched.
vi.mock('node:crypto', { spy: true });
const { randomBytes, timingSafeEqual } = await import('node:crypto');

const SIZES = [
  ['HS256', 'sha256', 32],
  ['HS384', 'sha384', 48],
  ['HS512', 'sha512', 64],
] as const;

describe('A12: HMAC comparison', () => {
  test.each(SIZES)('A12: %s is compared by timingSafeEqual, whether it is right or wrong', (alg, hash, size) => {
    const secret = randomBytes(size);
    const key = createVerificationKey({ alg, secret });
    const right = createHmac(hash, secret).update('input').digest();
    for (const [mac, expected] of [
      [right, true],
      [randomBytes(size), false],
    ] as const) {
      vi.mocked(timingSafeEqual).mockClear();
      expect(verifySignature('input', mac, key)).toBe(expected);
      expect(timingSafeEqual).toHaveBeenCalledExactlyOnceWith(right, mac);
    }
  });

  test.each(SIZES)('A12: a %s of another length is refused without comparing', (alg, _, size) => {
    const key = createVerificationKey({ alg, secret: randomBytes(size) });
    vi.mocked(timingSafeEqual).mockClear();
    for (const length of [0, 1, size - 1, size + 1, size * 2])
      expect(verifySignature('input', Buffer.alloc(length), key)).toBe(false);
    expect(timingSafeEqual).not.toHaveBeenCalled();
  });

  test('A12: this Node has the fix of CVE-2026-21713 (20.20.2, 22.22.2, 24.14.1)', () => {
    const [major, minor, patch] = process.versions.node.split('.').map(Number) as [number, number, number];
    const floors: Readonly<Record<number, readonly [number, number]>> = { 20: [20, 2], 22: [22, 2], 24: [14, 1] };
    const floor = floors[major];
    expect(floor === undefined ? major > 24 : minor > floor[0] || (minor === floor[0] && patch >= floor[1])).toBe(true);
  });
});

describe.runIf(process.env.WATCHWORD_LONG === '1')('A12: statistics', () => {
  test('A12: Welch t stays below 4.5 over a million samples', { timeout: 300_000 }, () => {
    vi.mocked(timingSafeEqual).mockRestore();
    const secret = randomBytes(32);
    const key = createVerificationKey({ alg: 'HS256', secret });
    const right = createHmac('sha256', secret).update('input').digest();
    // Wrong in the first byte against wrong in the last: what an early exit would tell apart.
    const macs = [0, 31].map((index) => {
      const mac = Buffer.from(right);
      mac[index]! ^= 0xff;
      return mac;
    });
    // A leak shows every time; a burst of other work on the machine does not, so it gets three tries.
    const tries = [1, 2, 3].map(() => Math.abs(welch(sample(macs, (mac) => verifySignature('input', mac, key)))));
    expect(Math.min(...tries)).toBeLessThan(4.5);
  });
});

function sample(macs: readonly Buffer[], check: (mac: Buffer) => boolean): [number[], number[]] {
  const times: [number[], number[]] = [[], []];
  const order = randomBytes(1_000_000);
  for (let warm = 0; warm < 20_000; warm += 1) check(macs[warm & 1]!);
  for (const byte of order) {
    const which = (byte & 1) as 0 | 1;
    const started = process.hrtime.bigint();
    check(macs[which]!);
    times[which].push(Number(process.hrtime.bigint() - started));
  }
  return times;
}

/** Welch's t over the fastest 90 % of both: what is slower is the scheduler or the garbage collector. */
function welch(times: readonly [number[], number[]]): number {
  const all = times.flat().sort((left, right) => left - right);
  const limit = all[Math.floor(all.length * 0.9)]!;
  const [left, right] = times.map((list) => moments(list.filter((time) => time <= limit))) as [Moments, Moments];
  return (left.mean - right.mean) / Math.sqrt(left.variance / left.count + right.variance / right.count);
}

interface Moments {
  readonly mean: number;
  readonly variance: number;
  readonly count: number;
}

function moments(values: readonly number[]): Moments {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, variance, count: values.length };
}
