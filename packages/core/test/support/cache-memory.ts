/** A process of its own with one cache in it: prints what the cache says of its memory, and what the heap says. */
import process from 'node:process';
import { createCachedVerifier } from '../../src/cache/cached-verifier.ts';
import { testKey } from './keys.ts';
import { accessClaims, makeToken, verifierOf } from './tokens.ts';

const MORE: Readonly<Record<string, object>> = {
  few: {},
  many: {
    sid: '9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d',
    name: 'A name of some length',
    email: 'address@mail.example',
    roles: Array.from({ length: 11 }, (_, index) => `role-of-this-shop-${index}`),
  },
  nested: {
    sid: '9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d',
    authorization_details: [
      { type: 'payment_initiation', amount: { value: '123.50', currency: 'EUR' }, to: 'an account of somebody' },
    ],
  },
};

const [, , shape, count] = process.argv;
const key = testKey('HS256');
const tokens = Array.from({ length: Number(count) }, (_, index) => {
  const jti = `1b9d6bcd-bbfd-4b2d-9b5d-${String(index).padStart(12, '0')}`;
  return Buffer.from(makeToken(key, { payload: accessClaims({ sub: `user-${index}`, jti, ...MORE[shape!] }) }));
});
const verifier = verifierOf(key);
// The verifier's own memory and compiled code are nobody's entries.
for (const token of tokens.slice(0, 2000)) await verifier.verify(token.toString('latin1'));
const before = measure();
const cached = createCachedVerifier(verifier, { maxEntries: tokens.length });
for (const token of tokens) await cached.verify(token.toString('latin1'));
const measured = measure() - before;
const { size, bytes } = cached.stats();
// Naming the tokens here keeps them until after the measurement, so that their end is not mistaken for a gain.
console.log(JSON.stringify({ tokens: tokens.length, size, bytes, measured }));

function measure(): number {
  globalThis.gc!();
  globalThis.gc!();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
