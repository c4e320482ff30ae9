import { describe, expect, it } from 'vitest';
import { normalizeType } from '../../src/verify/token-type.ts';

describe('normalizeType', () => {
  it.each(['txnto\u212aen+jwt', 'application/txnto\u212aen+jwt'])('takes no other character for a letter: %j', (type) => {
    expect(normalizeType(type)).not.toBe('txntoken+jwt');
  });

  it.each(['at+jwt', 'at+JWT', 'AT+jwt', 'application/at+jwt', 'Application/AT+JWT'])('%s is at+jwt', (type) => {
    expect(normalizeType(type)).toBe('at+jwt');
  });

  it.each(['application/a/b', 'text/at+jwt', 'JWT', ''])('leaves %j as it is, but for case', (type) => {
    expect(normalizeType(type)).toBe(type.toLowerCase());
  });
});
