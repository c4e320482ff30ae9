/** Carriers keep duplicates apart, and exactly one token is taken out of them. */
import { describe, expect, test } from 'vitest';
import { type HeaderSource, fromHeaders, fromRawHeaders, fromRecord, toRecord } from '../../src/carrier/carrier.ts';
import { extractBearer, extractTxnToken } from '../../src/carrier/extract.ts';
import { outcome } from '../support/verdicts.ts';

/** The same fields seen through each kind of carrier. WHATWG Headers join what the others keep apart. */
const CARRIERS: readonly [string, (fields: readonly (readonly [string, string])[]) => HeaderSource][] = [
  ['rawHeaders', (fields) => fromRawHeaders(fields.flat())],
  ['Headers', (fields) => fromHeaders(new Headers(fields.map(([name, value]) => [name, value])))],
  [
    'a record',
    (fields) =>
      fromRecord(
        Object.fromEntries(
          [...Map.groupBy(fields, ([name]) => name)].map(([name, same]) => [name, same.map(([, value]) => value)]),
        ),
      ),
  ],
];

describe.each(CARRIERS)('from %s', (_, carrier) => {
  const txn = (...values: string[]): string =>
    outcome(() => extractTxnToken(carrier(values.map((value) => ['Txn-Token', value]))));
  const bearer = (...values: string[]): string =>
    outcome(() => extractBearer(carrier(values.map((value) => ['Authorization', value]))));

  test('TT-25, E4: the Txn-Token field holds exactly one token', () => {
    expect([txn(), txn('')]).toEqual(['token_missing', 'token_missing']);
    expect([
      txn('a.b.c', 'd.e.f'),
      txn('a.b.c', 'a.b.c'),
      txn('a.b.c, d.e.f'),
      txn('a.b.c,d.e.f'),
      txn('a.b.c d.e.f'),
      txn('a.b.c', ''),
    ]).toEqual(Array(6).fill('token_ambiguous'));
    expect([txn('Bearer a.b.c'), txn('txn a.b.c')]).toEqual(['token_ambiguous', 'token_ambiguous']);
    expect(txn('a.b.c')).toBe('accepted');
  });

  test('B5, E4: Authorization holds exactly one bearer token', () => {
    expect([bearer(), bearer('')]).toEqual(['token_missing', 'token_missing']);
    expect([bearer('Bearer'), bearer('bearer')]).toEqual(['token_missing', 'token_missing']);
    expect([
      bearer('Bearer a.b.c', 'Bearer a.b.c'),
      bearer('Bearer a.b.c, Bearer d.e.f'),
      bearer('Bearer  a.b.c'),
      bearer('Bearer a.b.c d'),
    ]).toEqual(Array(4).fill('token_ambiguous'));
    expect([
      bearer('Basic dXNlcjpwYXNz'),
      bearer('a.b.c'),
      bearer('DPoP a.b.c'),
      bearer('Bearera.b.c'),
      bearer('Bearer\ta.b.c'),
    ]).toEqual(Array(5).fill('scheme_unsupported'));
    expect([bearer('Bearer a.b.c'), bearer('bearer a.b.c'), bearer('BEARER a.b.c')]).toEqual(Array(3).fill('accepted'));
  });

  test('the value comes out byte for byte (TT-27)', () => {
    expect(extractTxnToken(carrier([['txn-TOKEN', 'a-_.b.c']]))).toBe('a-_.b.c');
    expect(extractBearer(carrier([['AUTHORIZATION', 'Bearer a-_.b.c']]))).toBe('a-_.b.c');
  });

  test('ER-2: other fields are not looked at', () => {
    const fields = [
      ['X-Authorization', 'Bearer a.b.c'],
      ['Cookie', 'token=a.b.c'],
      ['Txn_Token', 'a.b.c'],
      ['Proxy-Authorization', 'Bearer a.b.c'],
      ['authorization2', 'Bearer a.b.c'],
    ] as const;
    expect(outcome(() => extractBearer(carrier(fields)))).toBe('token_missing');
    expect(outcome(() => extractTxnToken(carrier(fields)))).toBe('token_missing');
  });
});

describe('carriers', () => {
  test('a field under two spellings counts twice', () => {
    expect(fromRawHeaders(['Txn-Token', 'a', 'txn-token', 'b', 'TXN-TOKEN', 'c']).values('txn-token')).toEqual(['a', 'b', 'c']);
    expect(fromRecord({ 'Txn-Token': 'a', 'txn-token': ['b', 'c'], other: 'd' }).values('txn-token')).toEqual(['a', 'b', 'c']);
  });

  test('a field that is there without a value, or undefined, or half of a pair', () => {
    expect(fromRecord({ 'txn-token': undefined }).values('txn-token')).toEqual([]);
    expect(fromRawHeaders(['txn-token']).values('txn-token')).toEqual([]);
    expect(fromRawHeaders([]).values('txn-token')).toEqual([]);
  });

  test('a value that looks like a name is none', () => {
    expect(fromRawHeaders(['x', 'txn-token', 'y', 'z']).values('txn-token')).toEqual([]);
  });

  test('names from a prototype are no fields (B10)', () => {
    for (const name of ['constructor', 'tostring', '__proto__']) expect(fromRecord({}).values(name)).toEqual([]);
  });

  test('writing replaces every spelling of the name', () => {
    const record: Record<string, string | string[] | undefined> = { 'Txn-Token': 'forged', 'TXN-token': ['forged'], other: 'x' };
    toRecord(record).set('txn-token', 'ours');
    expect(record).toEqual({ 'txn-token': 'ours', other: 'x' });
    toRecord(record).delete('txn-token');
    expect(record).toEqual({ other: 'x' });
  });
});
