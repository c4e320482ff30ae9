/** Claims by a shape: typed, checked when they are read, and counted. */
import { describe, expect, expectTypeOf, test } from 'vitest';
import { ClaimReads } from '../../src/context/claim-reads.ts';
import { type ClaimShape, defineClaims } from '../../src/context/claims-accessor.ts';
import { runAnonymous, runWithIdentity } from '../../src/context/context.ts';
import { Identity } from '../../src/context/identity.ts';
import { verifiedToken } from '../support/tokens.ts';
import { outcome } from '../support/verdicts.ts';

const identity = new Identity(
  await verifiedToken({ tenant: 'acme', level: 3, beta: false, roles: ['a', 'b'], address: { city: 'x' }, mixed: ['a', 1] }),
);

describe('refusals', () => {
  test('a type that there is not, and a name that is no text', () => {
    for (const type of ['text', '', '?', 'string??', '__proto__', 'toString', 'constructor?'])
      expect(outcome(() => defineClaims({ tenant: type } as unknown as ClaimShape))).toBe('config_invalid');
    expect(outcome(() => new ClaimReads(''))).toBe('config_invalid');
  });

  test('D5: outside a request, and on nobody’s behalf: never a default', () => {
    const claims = defineClaims({ tenant: 'string' });
    expect(outcome(() => claims())).toBe('context_lost');
    expect(outcome(() => runAnonymous(() => claims()))).toBe('context_lost');
  });

  test('a claim that is missing, and one of another type; the message has no value', () => {
    const claims = defineClaims({ absent: 'string', level: 'string', tenant: 'number', mixed: 'string[]', roles: 'object' });
    const read = claims(identity);
    expect(outcome(() => read.absent)).toBe('claim_missing');
    for (const name of ['level', 'tenant', 'mixed', 'roles'] as const)
      expect(
        outcome(() => read[name]),
        name,
      ).toBe('claim_invalid');
    expect(() => read.tenant).toThrow(expect.objectContaining({ message: expect.not.stringContaining('acme') }));
  });

  test('B10: names of an object prototype are names like any other', () => {
    const claims = defineClaims({ constructor: 'string?', toString: 'string?', hasOwnProperty: 'string?' });
    const read = claims(identity);
    expect([read.constructor, read.toString, read.hasOwnProperty]).toEqual([undefined, undefined, undefined]);
  });
});

describe('reads', () => {
  test('typed, of the request in hand', () => {
    const claims = defineClaims({
      tenant: 'string',
      level: 'number',
      beta: 'boolean',
      roles: 'string[]',
      address: 'object',
      absent: 'string?',
    });
    const read = runWithIdentity(identity, () => claims());
    expectTypeOf(read.tenant).toEqualTypeOf<string>();
    expectTypeOf(read.absent).toEqualTypeOf<string | undefined>();
    expectTypeOf(read.roles).toEqualTypeOf<readonly string[]>();
    expect([read.tenant, read.level, read.beta, read.roles, read.address, read.absent]).toEqual([
      'acme',
      3,
      false,
      ['a', 'b'],
      { city: 'x' },
      undefined,
    ]);
  });

  test('nothing can be written', () => {
    const read = defineClaims({ tenant: 'string' })(identity) as { tenant: string };
    expect(() => (read.tenant = 'other')).toThrow(TypeError);
    expect(read.tenant).toBe('acme');
  });

  test('counted by name, only what is really read, also what was missing', () => {
    const reads = new ClaimReads('orders');
    const claims = defineClaims({ tenant: 'string', level: 'number', absent: 'string?' }, { reads });
    for (let count = 0; count < 3; count += 1) void claims(identity).tenant;
    void claims(identity).absent;
    expect(JSON.parse(JSON.stringify(reads))).toEqual({ version: 1, service: 'orders', reads: { absent: 1, tenant: 3 } });
  });

  test('two identities at a time do not mix', async () => {
    const other = new Identity(await verifiedToken({ tenant: 'other' }));
    const claims = defineClaims({ tenant: 'string' });
    const [one, two] = [claims(identity), claims(other)];
    expect([one.tenant, two.tenant, one.tenant]).toEqual(['acme', 'other', 'acme']);
  });
});
