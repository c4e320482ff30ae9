import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type DeferredRequest, type NewEntry, createReceipts } from '../src/index.ts';
import { createByteSeal } from '../src/byte-seal.ts';
import { frame, unframe } from '../src/framing.ts';
import { digestOf, entryOf } from './support/queue-harness.ts';

const KEY = randomBytes(32);
const TOKEN = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c2VyLTEifQ.c2lnbmF0dXJl';
const REQUEST: DeferredRequest = {
  method: 'POST',
  target: '/orders?dry=1',
  headers: [
    ['content-type', 'application/json'],
    ['x-a', 'ü'],
    ['x-a', '2'],
  ],
  body: new Uint8Array(randomBytes(300)),
  token: TOKEN,
  isProven: true,
};
const receipts = createReceipts({ keys: [KEY] });
const accepted = (): NewEntry => {
  const { payload: _, ...facts } = entryOf({ idempotencyKey: digestOf('key') });
  return receipts.close(facts, REQUEST);
};
const INVALID = expect.objectContaining({ code: 'receipt_invalid' });

describe('a receipt refuses', () => {
  test.each([[[]], [[new Uint8Array(32)]], [[KEY, randomBytes(31)]], [['text'.repeat(8)]], [undefined]])('keys %#', (keys) => {
    expect(() => createReceipts({ keys: keys as never })).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });

  const entry = accepted();
  test.each<[keyof NewEntry, unknown]>([
    ['id', entryOf().id],
    ['acceptedAtMs', entry.acceptedAtMs - 1],
    ['acceptedAtMs', entry.acceptedAtMs + 1],
    ['runBeforeMs', entry.runBeforeMs + 1],
    ['route', 'admin'],
    ['issuer', 'https://other.example'],
    ['client', digestOf('other')],
    ['fingerprint', digestOf('other')],
    ['idempotencyKey', undefined],
    ['idempotencyKey', digestOf('other')],
  ])('another %s', (name, value) => {
    expect(() => receipts.open({ ...entry, [name]: value })).toThrow(INVALID);
  });

  test('the payload of another entry, though it is sealed with the right key', () => {
    expect(() => receipts.open({ ...entry, payload: accepted().payload })).toThrow(INVALID);
  });

  test('a payload with any bit changed, cut short, grown, or empty', () => {
    for (let at = 0; at < entry.payload.length; at += 1) {
      const payload = Uint8Array.from(entry.payload);
      payload[at]! ^= 1 << (at % 8);
      expect(() => receipts.open({ ...entry, payload })).toThrow(INVALID);
    }
    for (const payload of [entry.payload.subarray(1), entry.payload.subarray(0, -1), new Uint8Array(0), new Uint8Array(40)]) {
      expect(() => receipts.open({ ...entry, payload })).toThrow(INVALID);
    }
    expect(() => receipts.open({ ...entry, payload: Buffer.concat([entry.payload, Buffer.from([0])]) })).toThrow(INVALID);
  });

  test('what somebody without the key has made', () => {
    const { payload: _, ...facts } = entryOf();
    const forged = createReceipts({ keys: [randomBytes(32)] }).close(facts, REQUEST);
    expect(() => receipts.open(forged)).toThrow(INVALID);
  });

  test('the result of another entry, and a payload for a result', () => {
    const sealed = receipts.closeResult(entry.id, new Uint8Array([1]));
    expect(() => receipts.openResult(entryOf().id, sealed)).toThrow(INVALID);
    expect(() => receipts.openResult(entry.id, entry.payload)).toThrow(INVALID);
  });
});

test('gives back the request as it was accepted', () => {
  const opened = receipts.open(accepted());
  expect({ ...opened, body: new Uint8Array(opened.body) }).toEqual(REQUEST);
});

test('gives back a result', () => {
  expect([...receipts.openResult('id', receipts.closeResult('id', new Uint8Array([7, 8])))]).toEqual([7, 8]);
});

test('shows nothing of the request or the token, and nothing twice', () => {
  const payloads = [accepted(), accepted()].map(({ payload }) => Buffer.from(payload).toString('latin1'));
  for (const secret of [TOKEN, TOKEN.slice(10, 30), '/orders', 'content-type']) expect(payloads[0]).not.toContain(secret);
  expect(payloads[0]!.slice(0, 32)).not.toBe(payloads[1]!.slice(0, 32));
});

test('no two messages of a series, and no two series, are sealed with one key and nonce', () => {
  const seal = createByteSeal([KEY], 'payload');
  const SERIES = 65_536;
  const heads = new Set<string>();
  const salts = new Set<string>();
  for (let message = 0; message <= SERIES; message += 1) {
    const sealed = Buffer.from(seal.close(new Uint8Array(0), new Uint8Array(0)));
    heads.add(sealed.toString('latin1', 0, 21));
    salts.add(sealed.toString('latin1', 1, 17));
  }
  expect(heads.size).toBe(SERIES + 1);
  expect(salts.size).toBe(2);
  expect(
    Buffer.from(createByteSeal([KEY], 'payload').close(new Uint8Array(0), new Uint8Array(0))).toString('latin1', 1, 17),
  ).not.toBe([...salts][1]);
});

test('opens what many series have closed, whatever their order', () => {
  const series = Array.from({ length: 40 }, () => createReceipts({ keys: [KEY] }));
  const entries = series.map((one) => {
    const { payload: _, ...facts } = entryOf();
    return one.close(facts, REQUEST);
  });
  for (const entry of [...entries, ...entries.toReversed()]) expect(receipts.open(entry).token).toBe(TOKEN);
});

test('changes its keys: the first closes, all of them open, one that was taken away does not', () => {
  const old = accepted();
  const next = randomBytes(32);
  const rotating = createReceipts({ keys: [next, KEY] });
  expect(rotating.open(old).token).toBe(TOKEN);
  const { payload: _, ...facts } = entryOf();
  const fresh = rotating.close(facts, REQUEST);
  expect(() => receipts.open(fresh)).toThrow(INVALID);
  const rotated = createReceipts({ keys: [next] });
  expect(rotated.open(fresh).token).toBe(TOKEN);
  expect(() => rotated.open(old)).toThrow(INVALID);
});

test('no two lists of values are framed alike', () => {
  expect(frame(['ab', 'c'])).not.toEqual(frame(['a', 'bc']));
  expect(frame(['a', ''])).not.toEqual(frame(['a']));
  expect(unframe(frame(['a', '', 'bc'])).map(String)).toEqual(['a', '', 'bc']);
  expect(() => unframe(frame(['abc']).subarray(0, 5))).toThrow('cut short');
  expect(() => unframe(Buffer.from([0, 0]))).toThrow('cut short');
});
