import { describe, expect, it } from 'vitest';
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { ResponseCounter } from '../src/gateway/response-counter.ts';
import { readOptions } from '../src/options.ts';
import { isMet } from '../src/report/targets.ts';
import { median, medianRatio } from '../src/statistics.ts';
import { toDer } from '../src/tokens/der.ts';
import { randomOrder } from '../src/tokens/random-order.ts';

describe('command line', () => {
  it('refuses what it does not know', () => {
    expect(() => readOptions(['mesh'])).toThrow('there are verify and gateway');
    expect(() => readOptions(['--fast'])).toThrow('--fast');
  });

  it('runs everything unless told otherwise', () => {
    expect(readOptions([]).suites).toEqual(['verify', 'gateway']);
    expect(readOptions(['gateway', '--quick', '--json', 'x.json'])).toMatchObject({
      suites: ['gateway'],
      quick: true,
      json: 'x.json',
    });
  });
});

describe('statistics', () => {
  it('compare within each round', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([1, 2, 3, 4])).toBe(2.5);
    // The machine was ten times slower in the second round: for both.
    expect(medianRatio([30, 300, 31], [10, 100, 10])).toBe(3);
    expect(() => median([])).toThrow(RangeError);
  });

  it('a target is met at its limit', () => {
    expect(isMet({ claim: '', ratio: 3, limit: 3, bound: 'at least' })).toBe(true);
    expect(isMet({ claim: '', ratio: 1.26, limit: 1.25, bound: 'at most' })).toBe(false);
  });

  it('everybody gets the same random order', () => {
    expect(randomOrder(50, 1000, 7)).toEqual(randomOrder(50, 1000, 7));
    expect(randomOrder(50, 1000, 7)).not.toEqual(randomOrder(50, 1000, 8));
    expect(new Set(randomOrder(10_000, 10, 1)).size).toBe(10);
  });
});

describe('signatures for OpenSSL', () => {
  it('are the same signatures', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
      publicKeyEncoding: { format: 'pem', type: 'spki' },
    });
    // Enough for numbers with and without leading zeros and first bits.
    for (let round = 0; round < 600; round += 1) {
      const input = Buffer.from(`input ${round}`);
      const signature = sign('sha256', input, { key: createPrivateKey(privateKey), dsaEncoding: 'ieee-p1363' });
      expect(verify('sha256', input, createPublicKey(publicKey), toDer(signature))).toBe(true);
    }
  });
});

describe('answers are counted', () => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n';

  it('not before they are complete, in whatever pieces they arrive', () => {
    const statuses = new Map<number, number>();
    const counter = new ResponseCounter(statuses);
    const pieces = [...`${head}hello`];
    expect(pieces.map((piece) => counter.push(piece)).indexOf(true)).toBe(pieces.length - 1);
    expect(counter.push(`${head.replace('200', '401')}nope!`)).toBe(true);
    expect(Object.fromEntries(statuses)).toEqual({ 200: 1, 401: 1 });
  });

  it('only where their end is known', () => {
    const counter = new ResponseCounter(new Map());
    expect(() => counter.push('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n')).toThrow('Content-Length');
    expect(() => new ResponseCounter(new Map()).push(`${head}hello!`)).toThrow('More than the answer');
  });
});
