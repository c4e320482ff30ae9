/** Every request sees its own caller and nobody else, whatever it awaits and whatever others do (D5, D6). */
import { AsyncResource } from 'node:async_hooks';
import { EventEmitter, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { fromRecord } from '../../src/carrier/carrier.ts';
import { currentIdentity, currentIdentityOrNobody, runAnonymous, runWithIdentity } from '../../src/context/context.ts';
import { Identity } from '../../src/context/identity.ts';
import { amount, freshSeed } from '../support/campaign.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { TRUST_DOMAIN, type User, createTxnDomain } from '../support/txn-domain.ts';
import { vandalize } from '../support/vandal.ts';
import { outcome } from '../support/verdicts.ts';

const domain = createTxnDomain(1000);
const headersOf = (user: User): ReturnType<typeof fromRecord> => fromRecord({ 'txn-token': user.compact });

/** What one request can see of its caller. */
function seen(): string {
  const identity = currentIdentity();
  const { sub, txn, scope, tctx } = identity.claims;
  return JSON.stringify([
    identity.subject,
    identity.transaction,
    identity.scopes,
    sub,
    txn,
    scope,
    tctx,
    Identity.txnTokenOf(identity),
  ]);
}

function expected({ subject, txn, scope, compact }: User): string {
  return JSON.stringify([subject, txn, scope.split(' '), subject, txn, scope, { cart: [Number(subject.slice(5))] }, compact]);
}

/** One emitter for all requests: a listener runs in the context of whoever emits, unless it is bound. */
const shared = new EventEmitter().setMaxListeners(0);

/** Every way in which a handler may give up control. */
const pauses: readonly ((random: SeededRandom) => unknown)[] = [
  () => undefined,
  () => Promise.resolve(),
  () => new Promise<void>((resolve) => queueMicrotask(resolve)),
  () => new Promise<void>((resolve) => process.nextTick(resolve)),
  () => new Promise((resolve) => setImmediate(resolve)),
  () => new Promise((resolve) => setTimeout(resolve, 0)),
  () => delay(0),
  () => Promise.all([Promise.resolve(), Promise.resolve().then(() => Promise.resolve())]),
  () => Promise.race([new Promise((resolve) => setImmediate(resolve)), new Promise((resolve) => setTimeout(resolve, 0))]),
  () => Promise.reject(new Error('handled')).catch(() => undefined),
  // oxlint-disable-next-line unicorn/no-thenable -- older libraries return such things
  () => ({ then: (resolve: () => void) => setImmediate(resolve) }),
  () => {
    const own = new EventEmitter();
    setImmediate(() => own.emit('go'));
    return once(own, 'go');
  },
  () =>
    new Promise<void>((resolve) =>
      shared.once(
        'go',
        AsyncResource.bind(() => resolve()),
      ),
    ),
  (random) => runWithIdentity(new Identity(currentIdentity().token, 'nested'), () => delay(0, random.next())),
  () => runAnonymous(() => Promise.resolve(currentIdentityOrNobody())),
];

describe('D5: interleaved requests', () => {
  it.each([
    { requests: amount(100_000, 1_000_000), cache: 10_000, what: 'with all of them in the cache' },
    { requests: amount(20_000, 200_000), cache: 100, what: 'with a cache too small for them' },
  ])('$requests requests of 1,000 users $what: 0 crossings', { timeout: 300_000 }, async ({ requests, cache }) => {
    const random = new SeededRandom(freshSeed());
    const pipeline = domain.pipeline(cache);
    let crossings = 0;
    let answered = 0;
    const check = (user: User): void => {
      if (seen() !== expected(user)) crossings += 1;
    };
    const handle = async (user: User): Promise<void> => {
      check(user);
      for (let step = random.int(4); step > 0; step -= 1) {
        await random.pick(pauses)(random);
        check(user);
      }
      // What outlives the request still belongs to it.
      setImmediate(check, user);
      answered += 1;
    };
    const client = async (share: number): Promise<void> => {
      for (let request = 0; request < share; request += 1) {
        const user = random.pick(domain.users);
        const identity = await pipeline.admit(headersOf(user));
        await runWithIdentity(identity, () => handle(user));
      }
    };
    const ticker = setInterval(() => shared.emit('go'), 1);
    await Promise.all(Array.from({ length: 500 }, () => client(requests / 500)));
    clearInterval(ticker);
    await delay(5);
    expect({ crossings, answered, seed: random.seed }).toEqual({ crossings: 0, answered: requests, seed: random.seed });
  });

  it('the test would see a crossing', async () => {
    let variable = '';
    const client = async (user: User): Promise<boolean> => {
      variable = user.subject;
      await delay(0);
      return variable === user.subject;
    };
    const verdicts = await Promise.all(domain.users.slice(0, 10).map(client));
    expect(verdicts.filter((isOwn) => !isOwn)).toHaveLength(9);
  });
});

describe('D5: context that is lost', () => {
  it('is an error, not the last caller', async () => {
    const pipeline = domain.pipeline();
    const identity = await pipeline.admit(headersOf(domain.users[0]!));
    const outside = new EventEmitter();
    runWithIdentity(identity, () => outside.on('late', () => {}));
    expect(outcome(currentIdentity)).toBe('context_lost');
    expect(outcome(currentIdentityOrNobody)).toBe('context_lost');
    await runWithIdentity(identity, () => Promise.resolve());
    expect(outcome(currentIdentity)).toBe('context_lost');
    expect(outcome(() => runWithIdentity(undefined as unknown as Identity, currentIdentity))).toBe('context_lost');
  });

  it('a handler that throws leaves nothing behind', async () => {
    const identity = await domain.pipeline().admit(headersOf(domain.users[0]!));
    expect(() => runWithIdentity(identity, () => JSON.parse('{'))).toThrow(SyntaxError);
    await expect(runWithIdentity(identity, () => Promise.reject(new Error('late')))).rejects.toThrow('late');
    expect(outcome(currentIdentity)).toBe('context_lost');
  });

  it('nobody is nobody, also inside of somebody', async () => {
    const identity = await domain.pipeline().admit(headersOf(domain.users[0]!));
    runWithIdentity(identity, () => {
      runAnonymous(() => expect([outcome(currentIdentity), currentIdentityOrNobody()]).toEqual(['context_lost', undefined]));
      expect(currentIdentity()).toBe(identity);
    });
  });
});

describe('D6: what one caller does to its identity', () => {
  it.each([
    ['cached', 10_000],
    ['not cached', false],
  ] as const)('the next one does not see (%s)', async (_, cache) => {
    const pipeline = domain.pipeline(cache);
    const user = domain.users[7]!;
    for (let caller = 0; caller < 3; caller += 1) {
      const identity = await pipeline.admit(headersOf(user), { scopes: ['read'] });
      await runWithIdentity(identity, async () => {
        expect(seen()).toBe(expected(user));
        vandalize(identity);
        vandalize(identity.claims);
        vandalize(identity.scopes);
        await delay(0);
        expect(seen()).toBe(expected(user));
      });
      await expect(async () => pipeline.admit(headersOf(user), { scopes: ['admin'] })).rejects.toMatchObject({
        code: 'scope_insufficient',
      });
    }
  });

  it('an identity is made of a verified token only', async () => {
    const { token } = await domain.pipeline().admit(headersOf(domain.users[0]!));
    const forged = { ...token, claims: { sub: 'intruder', aud: TRUST_DOMAIN } };
    for (const value of [
      forged,
      Object.create(token),
      Object.setPrototypeOf({ ...forged }, Object.getPrototypeOf(token)),
      new Proxy(token, {}),
      null,
    ]) {
      expect(() => new Identity(value as typeof token)).toThrow(TypeError);
    }
    expect(JSON.stringify(new Identity(token, 'secret-txn-token'))).not.toContain('secret-txn-token');
  });
});
