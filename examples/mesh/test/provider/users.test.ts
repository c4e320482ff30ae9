import { describe, expect, it } from 'vitest';
import { forge } from '../../src/provider/tokens.ts';
import { HASTY_USER, VISITOR, claimsOf, createUsers } from '../../src/provider/users.ts';

describe('createUsers', () => {
  it('gives every user a name and a secret of its own, the two special ones included', () => {
    const users = createUsers(3);
    expect(users.map(({ id }) => id)).toEqual([VISITOR, HASTY_USER, 'user-0001', 'user-0002', 'user-0003']);
    expect(new Set(users.map(({ secret }) => secret)).size).toBe(5);
  });

  it('gives tokens a realistic size', () => {
    const size = JSON.stringify(claimsOf('user-0001')).length;
    expect(size).toBeGreaterThan(450);
    expect(size).toBeLessThan(800);
  });
});

describe('forge', () => {
  it('changes the subject and keeps header and signature', () => {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const [header, payload, signature] = forge(`${part({ alg: 'RS256' })}.${part({ sub: 'a', aud: 'b' })}.c2ln`, 'z').split('.');
    expect(JSON.parse(Buffer.from(payload!, 'base64url').toString())).toEqual({ sub: 'z', aud: 'b' });
    expect([header, signature]).toEqual([part({ alg: 'RS256' }), 'c2ln']);
  });
});
