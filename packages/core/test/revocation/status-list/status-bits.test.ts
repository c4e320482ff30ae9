import { deflateRawSync, deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { StatusBits, type StatusSize, unpackStatuses } from '../../../src/revocation/status-list/status-bits.ts';
import { encodeStatusList, packStatuses } from '../../support/status-lists.ts';

const refused = { code: 'revocation_unavailable' };
const packed = (bytes: Buffer): string => deflateSync(bytes).toString('base64url');

describe('what can not be unpacked is refused', () => {
  it.each([
    ['nothing', ''],
    ['no ZLIB stream', Buffer.from('hello').toString('base64url')],
    ['DEFLATE without its ZLIB wrapping', deflateRawSync(Buffer.alloc(8)).toString('base64url')],
    ['half a stream', packed(Buffer.from('0123456789')).slice(0, 8)],
    ['a wrong checksum', `${packed(Buffer.from([0xb9, 0xa3])).slice(0, -1)}A`],
    ['bytes after the end', Buffer.concat([deflateSync(Buffer.alloc(8)), Buffer.from('more')]).toString('base64url')],
  ])('%s', async (_name, lst) => {
    await expect(unpackStatuses(lst, 1, 1000)).rejects.toMatchObject(refused);
  });

  it('another spelling of base64url', async () => {
    await expect(unpackStatuses(`${packed(Buffer.alloc(8))}=`, 1, 1000)).rejects.toMatchObject({ code: 'token_malformed' });
  });

  it('a bomb, to the byte', async () => {
    const lst = packed(Buffer.alloc(50 << 20));
    expect(lst.length).toBeLessThan(70_000);
    await expect(unpackStatuses(lst, 1, 8 << 20)).rejects.toMatchObject({ ...refused, message: 'lst: more than 8388608 bytes' });
    await expect(unpackStatuses(packed(Buffer.alloc(1001)), 1, 1000)).rejects.toMatchObject(refused);
    expect((await unpackStatuses(packed(Buffer.alloc(1000)), 1, 1000)).byteLength).toBe(1000);
  });
});

describe('SL-3: index 0 is in the least significant bits of the first byte', () => {
  it.each<[string, StatusSize, string, readonly number[]]>([
    ['one bit', 1, 'eNrbuRgAAhcBXQ', [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]],
    ['two bits', 2, 'eNo76fITAAPfAgc', [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]],
  ])('SL-3: the vector of %s', async (_name, size, lst, statuses) => {
    const list = await unpackStatuses(lst, size, 100);
    expect(statuses.map((_, index) => list.at(index))).toEqual(statuses);
    expect(list.at(statuses.length)).toBeUndefined();
    expect(encodeStatusList(statuses, size).lst).toBe(lst);
  });

  it.each<StatusSize>([1, 2, 4, 8])('every value of %d bits, at every place', (size) => {
    const statuses = Array.from({ length: 1000 }, (_, index) => (index * 7 + (index >> 3)) % 2 ** size);
    const list = new StatusBits(packStatuses(statuses, size), size);
    expect(statuses.map((_, index) => list.at(index))).toEqual(statuses);
  });

  it('an index of more than 32 bits does not come round', () => {
    const list = new StatusBits(Buffer.alloc(16, 0xff), 1);
    for (const idx of [128, 2 ** 32, 2 ** 32 + 1, 2 ** 35, Number.MAX_SAFE_INTEGER]) expect(list.at(idx)).toBeUndefined();
    expect(list.at(127)).toBe(1);
  });
});

describe('SL-9: capacity', () => {
  it.each([
    [0.0001, 442],
    [0.001, 2200],
    [0.01, 13_700],
    [0.02, 23_000],
  ])('SL-9: a million tokens of which %d are revoked take about %d bytes', async (share, bytes) => {
    const statuses = new Uint8Array(1_000_000);
    let state = 1;
    for (let revoked = 0; revoked < share * statuses.length; revoked += 1) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      statuses[Math.floor((state / 2 ** 32) * statuses.length)] = 1;
    }
    const { lst } = encodeStatusList(statuses);
    expect(Buffer.from(lst, 'base64url').length).toBeGreaterThan(bytes * 0.7);
    expect(Buffer.from(lst, 'base64url').length).toBeLessThan(bytes * 1.3);
    const list = await unpackStatuses(lst, 1, 8 << 20);
    expect(list.byteLength).toBe(125_000);
    expect(statuses.every((status, index) => list.at(index) === status)).toBe(true);
  });
});
