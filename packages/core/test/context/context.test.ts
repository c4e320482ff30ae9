/** The caller of the request in hand. Crossings under load are in isolation.test.ts. */
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { currentIdentity, currentIdentityOrNobody, runAnonymous, runWithIdentity } from '../../src/context/context.ts';
import { Identity } from '../../src/context/identity.ts';
import { accessClaims, verifiedToken } from '../support/tokens.ts';
import { outcome } from '../support/verdicts.ts';

const identity = new Identity(await verifiedToken({ txn: 'txn-1' }), 'a.b.c');

describe('context', () => {
  test('D5: where nothing was established it is lost: never a default', () => {
    expect(outcome(currentIdentity)).toBe('context_lost');
    expect(outcome(currentIdentityOrNobody)).toBe('context_lost');
  });

  test('D5: nobody is said out loud, and is no identity', () => {
    expect(runAnonymous(currentIdentityOrNobody)).toBeUndefined();
    expect(outcome(() => runAnonymous(currentIdentity))).toBe('context_lost');
  });

  test('D5: it ends with the work, also when the work throws', async () => {
    expect(() =>
      runWithIdentity(identity, () => {
        throw new RangeError('x');
      }),
    ).toThrow(RangeError);
    await expect(
      runWithIdentity(identity, async () => {
        await wait(0);
        throw new RangeError('x');
      }),
    ).rejects.toThrow(RangeError);
    expect(outcome(currentIdentity)).toBe('context_lost');
  });

  test('follows awaits, timers and promises, and inner runs win only inside', async () => {
    const other = new Identity(await verifiedToken({ sub: 'user-2' }));
    const seen = await runWithIdentity(identity, async () => {
      await wait(1);
      const inner = runWithIdentity(other, async () => (await wait(1), currentIdentity()));
      const nobody = runAnonymous(async () => (await wait(1), currentIdentityOrNobody()));
      return [currentIdentity(), await inner, await nobody, currentIdentity()];
    });
    expect(seen).toEqual([identity, other, undefined, identity]);
  });
});

describe('Identity', () => {
  test('invariant 8: is made from a verified token only', async () => {
    const token = await verifiedToken();
    for (const lookalike of [undefined, null, {}, { claims: accessClaims() }, { ...token }, Object.create(token), 'a.b.c']) {
      expect(() => new Identity(lookalike as never, 'a.b.c')).toThrow(TypeError);
    }
  });

  test('says who, what and in which transaction, and cannot be changed', () => {
    expect([identity.subject, identity.scopes, identity.transaction, identity.claims]).toEqual([
      'user-1',
      ['read', 'write'],
      'txn-1',
      identity.token.claims,
    ]);
    for (const change of [{ subject: 'admin' }, { token: null }, { claims: {} }, { scopes: ['admin'] }, { extra: 1 }]) {
      expect(() => Object.assign(identity, change)).toThrow(TypeError);
    }
    expect(() => (identity.scopes as string[]).push('admin')).toThrow(TypeError);
  });

  test('TT-30: keeps its Txn-Token to itself; only carriers get it', () => {
    expect(Identity.txnTokenOf(identity)).toBe('a.b.c');
    expect(Object.values(identity).concat(JSON.stringify(identity))).not.toContain('a.b.c');
    expect(() => Identity.txnTokenOf({ subject: 'x' } as never)).toThrow(TypeError);
  });
});
