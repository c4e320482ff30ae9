/** What every queue must do. Each implementation runs it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Claim, NewEntry, Outcome, Queue } from '../../src/index.ts';
import { fullScope, readLimits, roomOf } from '../../src/index.ts';
import { describeQueueCampaign } from './queue-campaign.ts';
import { type QueueChoices, type QueueHarness, START_MS, digestOf, entryOf } from './queue-harness.ts';
import { describeKilledProcesses } from './queue-kills.ts';

const LEASE = { leaseMs: 10_000, waitMs: 0 } as const;
const KEPT_MS = 60_000;
const DONE = { state: 'done', status: 200 } as const;
const ROOMY = { issuerShare: 1, clientShare: 1 } as const;

/** Runs the suite. `start` gives an empty store. */
export function describeQueue(name: string, start: () => Promise<QueueHarness>): void {
  describe(`a queue in ${name}`, () => {
    let harness: QueueHarness;
    let nowMs: number;
    let opened: Queue[];
    beforeEach(async () => {
      harness = await start();
      nowMs = START_MS;
      opened = [];
    });
    afterEach(async () => {
      for (const queue of opened) await queue.close();
      await harness.destroy();
    });

    const open = async (choices: Partial<QueueChoices> = {}): Promise<Queue> => {
      const queue = await harness.open({ clock: () => nowMs, outcomesKeptMs: KEPT_MS, limits: ROOMY, ...choices });
      opened.push(queue);
      return queue;
    };
    const accept = async (queue: Queue, part: Partial<NewEntry> = {}): Promise<NewEntry> => {
      const entry = entryOf({ acceptedAtMs: nowMs, ...part });
      expect(await queue.accept(entry)).toEqual({ kind: 'accepted', id: entry.id });
      return entry;
    };
    const claimOne = async (queue: Queue): Promise<Claim> => {
      const claims = await queue.claim('worker-1', 1, LEASE);
      expect(claims).toHaveLength(1);
      return claims[0]!;
    };
    const idsOf = (claims: readonly Claim[]): readonly string[] => claims.map(({ entry }) => entry.id);

    describe('refuses', () => {
      test.each<[string, Partial<Record<keyof NewEntry, unknown>>]>([
        ['an id that can be guessed', { id: '17' }],
        ['an id with other characters', { id: `${'a'.repeat(30)}/..` }],
        ['a time that is none', { acceptedAtMs: NaN }],
        ['a deadline that is none', { runBeforeMs: Infinity }],
        ['no issuer', { issuer: '' }],
        ['no client', { client: undefined }],
        ['a client that is no digest', { client: 'x'.repeat(300) }],
        ['no route', { route: '' }],
        ['no fingerprint', { fingerprint: '' }],
        ['an empty idempotency key', { idempotencyKey: '' }],
        ['a payload that is text', { payload: 'text' }],
      ])('%s', async (_name, part) => {
        const queue = await open();
        await expect(queue.accept({ ...entryOf(), ...part } as NewEntry)).rejects.toMatchObject({ code: 'internal' });
        expect((await queue.stats()).depth).toBe(0);
      });

      test.each([
        ['a reason that is no code', { state: 'refused', reason: 'user-1 may not' }],
        ['a state that is none', { state: 'accepted', reason: 'again' }],
        ['a status that is none', { state: 'done', status: 7 }],
      ])('an outcome with %s', async (_name, outcome) => {
        const queue = await open();
        await accept(queue);
        const claim = await claimOne(queue);
        await expect(queue.settle([[claim, outcome as never]])).rejects.toMatchObject({ code: 'internal' });
        expect(await queue.status(claim.entry.id)).toMatchObject({ state: 'claimed' });
      });

      test('an entry that even an empty queue has no room for, instead of putting it off for ever', async () => {
        const queue = await open({ limits: { bytes: 10_000, issuerShare: 0.5, clientShare: 0.5 } });
        await expect(queue.accept(entryOf({ payload: new Uint8Array(3000) }))).rejects.toMatchObject({ code: 'body_too_large' });
        expect(await queue.accept(entryOf({ payload: new Uint8Array(1500) }))).toMatchObject({ kind: 'accepted' });
      });

      test('the same id for another request', async () => {
        const queue = await open();
        const { id } = await accept(queue);
        expect(await queue.accept(entryOf({ id, fingerprint: digestOf('another') }))).toEqual({ kind: 'conflict' });
      });

      test('everything once it is closed', async () => {
        const queue = await open();
        await queue.close();
        await expect(queue.accept(entryOf())).rejects.toMatchObject({ code: 'queue_unavailable' });
        await expect(queue.claim('worker-1', 1, LEASE)).rejects.toMatchObject({ code: 'queue_unavailable' });
        await expect(queue.stats()).rejects.toMatchObject({ code: 'queue_unavailable' });
      });
    });

    describe('leads an entry through its life', () => {
      test('to done, with the result for as long as outcomes are kept', async () => {
        const queue = await open();
        const entry = await accept(queue, { idempotencyKey: digestOf('key') });
        const { id, acceptedAtMs, route, client } = entry;
        expect(await queue.status(id)).toEqual({ id, acceptedAtMs, route, client, state: 'accepted', attempts: 0 });
        nowMs += 1000;
        const claim = await claimOne(queue);
        expect(claim).toEqual({ entry: expect.anything(), token: expect.any(String), attempt: 1, leaseUntilMs: nowMs + 10_000 });
        expect(plain(claim.entry)).toEqual(plain(entry));
        expect(await queue.status(id)).toEqual({ id, acceptedAtMs, route, client, state: 'claimed', attempts: 1 });
        const result = new Uint8Array([1, 2, 3]);
        expect(await queue.settle([[claim, { state: 'done', status: 201, result }]])).toEqual([true]);
        const ended = { id, acceptedAtMs, route, client, state: 'done', status: 201, attempts: 1, endedAtMs: nowMs };
        expect(await queue.status(id)).toMatchObject(ended);
        expect(new Uint8Array(((await queue.status(id)) as { result: Uint8Array }).result)).toEqual(result);
        nowMs += KEPT_MS - 1;
        expect(await queue.status(id)).toMatchObject(ended);
        nowMs += 1;
        expect(await queue.status(id)).toBeUndefined();
        expect(await queue.claim('worker-1', 1, LEASE)).toEqual([]);
      });

      test('to refused, with a reason', async () => {
        const queue = await open();
        const { id } = await accept(queue);
        expect(await queue.settle([[await claimOne(queue), { state: 'refused', reason: 'token_revoked' }]])).toEqual([true]);
        expect(await queue.status(id)).toMatchObject({ state: 'refused', reason: 'token_revoked' });
      });

      test('exactly once to its end', async () => {
        const queue = await open();
        const { id } = await accept(queue);
        const claim = await claimOne(queue);
        expect(
          await queue.settle([
            [claim, DONE],
            [claim, { state: 'dead', reason: 'crash' }],
          ]),
        ).toEqual([true, false]);
        expect(await queue.settle([[claim, { state: 'refused', reason: 'late' }]])).toEqual([false]);
        expect(await queue.release([{ claim, notBeforeMs: nowMs }])).toEqual([false]);
        expect(await queue.extend([claim], 1000)).toEqual([]);
        expect(await queue.status(id)).toMatchObject({ state: 'done', status: 200 });
        expect((await queue.stats()).totals).toMatchObject({ accepted: 1, done: 1, refused: 0, dead: 0 });
      });

      test('through a release, not before its time', async () => {
        const queue = await open();
        const { id } = await accept(queue);
        const first = await claimOne(queue);
        expect(await queue.release([{ claim: first, notBeforeMs: nowMs + 5000 }])).toEqual([true]);
        expect(await queue.status(id)).toMatchObject({ state: 'accepted', attempts: 1 });
        nowMs += 4999;
        expect(await queue.claim('worker-1', 1, LEASE)).toEqual([]);
        nowMs += 1;
        expect(await claimOne(queue)).toMatchObject({ entry: { id }, attempt: 2 });
        expect(await queue.settle([[first, DONE]])).toEqual([false]);
      });

      test('through a release without anything done, which is no attempt', async () => {
        const queue = await open();
        const { id } = await accept(queue);
        const first = await claimOne(queue);
        expect(await queue.release([{ claim: first, notBeforeMs: nowMs, isUntouched: true }])).toEqual([true]);
        expect(await queue.status(id)).toMatchObject({ state: 'accepted', attempts: 0 });
        expect((await claimOne(queue)).attempt).toBe(1);
        await expect(queue.release([{ claim: first, notBeforeMs: NaN }])).rejects.toMatchObject({ code: 'internal' });
      });

      test('through any number of outages, each with a wait, and no attempt is used up', async () => {
        const queue = await open();
        const { id } = await accept(queue);
        expect(await queue.release([{ claim: await claimOne(queue), notBeforeMs: nowMs }])).toEqual([true]);
        for (let turn = 0; turn < 20; turn += 1) {
          const claim = await claimOne(queue);
          expect(claim).toMatchObject({ entry: { id }, attempt: 2 });
          await queue.release([{ claim, notBeforeMs: nowMs + 1000, isUntouched: true }]);
          expect(await queue.claim('worker-1', 1, LEASE)).toEqual([]);
          expect(await queue.status(id)).toMatchObject({ state: 'accepted', attempts: 1 });
          nowMs += 1000;
        }
      });

      test('for nobody that it does not know', async () => {
        const queue = await open();
        await accept(queue);
        const claim = await claimOne(queue);
        const stranger = { ...claim, entry: { ...claim.entry, id: 'a'.repeat(22) } };
        expect(
          await queue.settle([
            [stranger, DONE],
            [{ ...claim, token: 'guess' }, DONE],
            [claim, DONE],
          ]),
        ).toEqual([false, false, true]);
        expect(await queue.status('a'.repeat(22))).toBeUndefined();
      });
    });

    describe('leases', () => {
      test('an entry to one worker at a time, and to another one when the lease has run out', async () => {
        const [one, two] = [await open(), await open()];
        const { id } = await accept(one);
        const first = await claimOne(one);
        nowMs += 9999;
        expect(await two.claim('worker-2', 1, LEASE)).toEqual([]);
        nowMs += 1;
        const second = await claimOne(two);
        expect(second).toMatchObject({ entry: { id }, attempt: 2 });
        expect(second.token).not.toBe(first.token);
        // Who has lost an entry can do nothing to it.
        expect(await one.settle([[first, DONE]])).toEqual([false]);
        expect(await one.release([{ claim: first, notBeforeMs: nowMs }])).toEqual([false]);
        expect(await one.extend([first], 1000)).toEqual([]);
        expect(await two.settle([[second, { state: 'refused', reason: 'token_revoked' }]])).toEqual([true]);
        expect(await one.status(id)).toMatchObject({ state: 'refused' });
      });

      test('longer to whoever asks', async () => {
        const queue = await open();
        await accept(queue);
        const claim = await claimOne(queue);
        nowMs += 9000;
        expect(await queue.extend([claim], 10_000)).toEqual([{ ...claim, leaseUntilMs: nowMs + 10_000 }]);
        nowMs += 9999;
        expect(await queue.claim('worker-2', 1, LEASE)).toEqual([]);
        nowMs += 1;
        expect(await queue.claim('worker-2', 1, LEASE)).toHaveLength(1);
      });

      test('that ran out cost nothing as long as nobody else has claimed: to settle late is better than to run twice', async () => {
        const queue = await open();
        const entries = [await accept(queue), await accept(queue), await accept(queue)];
        const claims = await queue.claim('worker-1', 3, LEASE);
        nowMs += 60_000;
        // One claim of somebody else: the other two entries are there for the taking, but not taken.
        const [taken] = await queue.claim('worker-2', 1, LEASE);
        const left = claims.filter(({ entry }) => entry.id !== taken!.entry.id);
        expect(await queue.extend([left[0]!], 10_000)).toHaveLength(1);
        expect(await queue.settle(left.map((claim) => [claim, DONE] as const))).toEqual([true, true]);
        expect(await queue.claim('worker-2', 3, LEASE)).toEqual([]);
        expect(await queue.stats()).toMatchObject({ depth: 1, claimed: 1, totals: { accepted: entries.length, done: 2 } });
      });
    });

    describe('knows an idempotency key', () => {
      const key = digestOf('the key');

      test('and gives the first entry for the same request, as long as its outcome is kept', async () => {
        const queue = await open();
        const first = await accept(queue, { idempotencyKey: key });
        const again = (): NewEntry => entryOf({ idempotencyKey: key, fingerprint: first.fingerprint });
        expect(await queue.accept(again())).toEqual({ kind: 'repeated', id: first.id });
        await queue.settle([[await claimOne(queue), DONE]]);
        nowMs += KEPT_MS - 1;
        expect(await queue.accept(again())).toEqual({ kind: 'repeated', id: first.id });
        nowMs += 1;
        expect(await queue.accept(again())).toMatchObject({ kind: 'accepted' });
        expect((await queue.stats()).totals.accepted).toBe(2);
      });

      test('and refuses it for another request', async () => {
        const queue = await open();
        await accept(queue, { idempotencyKey: key });
        expect(await queue.accept(entryOf({ idempotencyKey: key }))).toEqual({ kind: 'conflict' });
      });

      test('even when it comes many times at once', async () => {
        const [one, two] = [await open(), await open()];
        const { fingerprint } = entryOf();
        const answers = await Promise.all(
          Array.from({ length: 40 }, (_, index) =>
            (index % 2 === 0 ? one : two).accept(entryOf({ idempotencyKey: key, fingerprint })),
          ),
        );
        expect(answers.filter(({ kind }) => kind === 'accepted')).toHaveLength(1);
        expect(answers.filter(({ kind }) => kind === 'repeated')).toHaveLength(39);
        expect(new Set(answers.map((answer) => 'id' in answer && answer.id)).size).toBe(1);
      });

      test('and whoever did not hear the answer may ask again with the same id', async () => {
        const queue = await open();
        const entry = await accept(queue);
        expect(await queue.accept(entry)).toEqual({ kind: 'repeated', id: entry.id });
        expect((await queue.stats()).depth).toBe(1);
      });
    });

    describe('is bounded', () => {
      test('in entries, until one has ended', async () => {
        const queue = await open({ limits: { entries: 3, ...ROOMY } });
        for (let index = 0; index < 3; index += 1) await accept(queue);
        const full = await queue.accept(entryOf());
        expect(full).toEqual({ kind: 'full', scope: 'queue', retryAfterMs: 60_000 });
        const claim = await claimOne(queue);
        expect(await queue.accept(entryOf())).toMatchObject({ kind: 'full' });
        await queue.settle([[claim, DONE]]);
        await accept(queue);
        expect(await queue.accept(entryOf())).toMatchObject({ kind: 'full' });
      });

      test('in bytes', async () => {
        const queue = await open({ limits: { bytes: 10_000, ...ROOMY } });
        await accept(queue, { payload: new Uint8Array(8000) });
        expect(await queue.accept(entryOf({ payload: new Uint8Array(1500) }))).toMatchObject({ kind: 'full', scope: 'queue' });
        await accept(queue, { payload: new Uint8Array(900) });
      });

      test('in dead letters too, which take room until they are purged', async () => {
        const queue = await open({ limits: { entries: 1, ...ROOMY } });
        const { id } = await accept(queue);
        await queue.settle([[await claimOne(queue), { state: 'dead', reason: 'crash' }]]);
        expect(await queue.accept(entryOf())).toMatchObject({ kind: 'full', scope: 'queue' });
        expect(await queue.purge([id])).toEqual([id]);
        await accept(queue);
      });

      test('but answers a repetition when it is full', async () => {
        const queue = await open({ limits: { entries: 1, ...ROOMY } });
        const entry = await accept(queue, { idempotencyKey: digestOf('key') });
        expect(
          await queue.accept({ ...entryOf(), idempotencyKey: entry.idempotencyKey, fingerprint: entry.fingerprint }),
        ).toEqual({
          kind: 'repeated',
          id: entry.id,
        });
      });

      test('and says when to come back by the pace of the last minute', async () => {
        const queue = await open({ limits: { entries: 1200, ...ROOMY } });
        await Promise.all(Array.from({ length: 1200 }, () => accept(queue)));
        const claims = await queue.claim('worker-1', 600, LEASE);
        await queue.settle(claims.map((claim) => [claim, DONE] as const));
        nowMs += 1000;
        await Promise.all(Array.from({ length: 600 }, () => accept(queue)));
        // 600 in the last minute: 10 a second; a tenth of 1,200 takes 12 s.
        expect(await queue.accept(entryOf())).toEqual({ kind: 'full', scope: 'queue', retryAfterMs: 12_000 });
        nowMs += 61_000;
        expect(await queue.accept(entryOf())).toMatchObject({ kind: 'full', retryAfterMs: 60_000 });
      });
    });

    describe('is fair', () => {
      const limits = { entries: 120, issuerShare: 0.5, clientShare: 0.5 } as const;
      const flood = async (
        queue: Queue,
        part: Partial<NewEntry>,
      ): Promise<{ readonly count: number; readonly scope: string }> => {
        for (let count = 0; ; count += 1) {
          const acceptance = await queue.accept(entryOf({ acceptedAtMs: nowMs, ...part }));
          if (acceptance.kind === 'full') return { count, scope: acceptance.scope };
        }
      };

      test('F11: an issuer that floods leaves half of the queue to the others; two leave a third', async () => {
        const queue = await open({ limits: { ...limits, clientShare: 1 } });
        expect(await flood(queue, { issuer: 'https://junk-1.example' })).toEqual({ count: 60, scope: 'issuer' });
        expect(await flood(queue, { issuer: 'https://junk-2.example' })).toEqual({ count: 30, scope: 'issuer' });
        await accept(queue);
      });

      test('a client that floods leaves its issuer room for other clients', async () => {
        const queue = await open({ limits });
        expect(await flood(queue, { client: digestOf('junk') })).toEqual({ count: 30, scope: 'client' });
        expect(await flood(queue, { client: digestOf('more junk') })).toEqual({ count: 15, scope: 'client' });
        await accept(queue);
        await accept(queue, { issuer: 'https://other.example' });
      });

      test('in bytes as in entries', async () => {
        const bytes = 120 * roomOf(new Uint8Array(1000)).bytes;
        const queue = await open({ limits: { bytes, issuerShare: 0.5, clientShare: 1 } });
        expect(await flood(queue, { payload: new Uint8Array(1000) })).toEqual({ count: 60, scope: 'issuer' });
      });

      test('by the one rule', async () => {
        const queue = await open({ limits });
        await flood(queue, { client: digestOf('junk') });
        const room = { entries: 30, bytes: 0 };
        const held = { queue: room, issuer: room, client: room };
        expect(fullScope(readLimits(limits, 'limits'), held, { entries: 1, bytes: 0 })).toBe('client');
      });

      test('what comes behind a flood waits for one entry of each other client, not for the flood', async () => {
        const queue = await open();
        for (let index = 0; index < 60; index += 1) await accept(queue, { client: digestOf('junk') });
        for (let index = 0; index < 60; index += 1) await accept(queue, { issuer: 'https://junk.example' });
        const good = [await accept(queue), await accept(queue)];
        const order: string[] = [];
        for (let turn = 0; turn < 8; turn += 1) order.push((await claimOne(queue)).entry.id);
        // Two issuers, two clients in one of them: the first within four, both within eight.
        expect(order.indexOf(good[0]!.id)).toBeGreaterThanOrEqual(0);
        expect(order.indexOf(good[0]!.id)).toBeLessThan(4);
        expect(order.indexOf(good[1]!.id)).toBeLessThan(8);
        expect(order).toContain(good[1]!.id);
      });

      test('new clients that keep coming do not keep an old one waiting', async () => {
        const queue = await open();
        await accept(queue, { client: digestOf('junk') });
        const good = await accept(queue);
        const served: string[] = [];
        for (let turn = 0; turn < 3; turn += 1) {
          for (let index = 0; index < 5; index += 1) await accept(queue, { client: digestOf(`junk ${turn} ${index}`) });
          served.push((await claimOne(queue)).entry.id);
        }
        expect(served).toContain(good.id);
      });

      test('the entries of one client come in the order in which they were accepted', async () => {
        const queue = await open();
        const entries = [];
        for (let index = 0; index < 20; index += 1) entries.push(await accept(queue));
        const first = await queue.claim('worker-1', 5, LEASE);
        await queue.release(first.map((claim) => ({ claim, notBeforeMs: nowMs })));
        expect(idsOf(await queue.claim('worker-1', 20, LEASE))).toEqual(entries.map(({ id }) => id));
      });
    });

    describe('keeps dead letters', () => {
      const die = async (queue: Queue, part: Partial<NewEntry> = {}): Promise<NewEntry> => {
        const entry = await accept(queue, part);
        await queue.settle([[await claimOne(queue), { state: 'dead', reason: 'attempts_exhausted' }]]);
        nowMs += 10;
        return entry;
      };

      test('to be read, page by page, however old they are', async () => {
        const queue = await open();
        const ids = [];
        for (let index = 0; index < 5; index += 1) ids.push((await die(queue)).id);
        nowMs += 10 * KEPT_MS;
        const first = await queue.dead({ limit: 2 });
        expect(first[0]).toEqual({
          id: ids[0],
          route: 'orders',
          issuer: entryOf().issuer,
          acceptedAtMs: START_MS,
          endedAtMs: START_MS,
          attempts: 1,
          reason: 'attempts_exhausted',
        });
        const second = await queue.dead({ limit: 2, after: first[1]!.id });
        const third = await queue.dead({ limit: 2, after: second[1]!.id });
        expect([...first, ...second, ...third].map(({ id }) => id)).toEqual(ids);
        expect(await queue.dead({ limit: 2, after: ids[4]! })).toEqual([]);
        // From the beginning, rather than to leave any out.
        await queue.purge([ids[1]!]);
        expect((await queue.dead({ limit: 2, after: ids[1]! })).map(({ id }) => id)).toEqual([ids[0], ids[2]]);
      });

      test('to be replayed with what they hold, attempts counted from 0', async () => {
        const queue = await open();
        const entry = await die(queue);
        expect(await queue.replay([entry.id, 'b'.repeat(22)])).toEqual([entry.id]);
        expect(await queue.replay([entry.id])).toEqual([]);
        expect(await queue.status(entry.id)).toMatchObject({ state: 'accepted', attempts: 0 });
        const claim = await claimOne(queue);
        expect(claim.attempt).toBe(1);
        expect(plain(claim.entry)).toEqual(plain(entry));
        await queue.settle([[claim, DONE]]);
        expect(await queue.dead({ limit: 10 })).toEqual([]);
        expect((await queue.stats()).totals).toMatchObject({ accepted: 1, done: 1, dead: 1, replayed: 1 });
      });

      test('but not to be replayed past the time until which they may run', async () => {
        const queue = await open();
        const { id } = await die(queue, { runBeforeMs: START_MS + 1000 });
        nowMs = START_MS + 1000;
        expect(await queue.replay([id])).toEqual([]);
        expect(await queue.dead({ limit: 10 })).toHaveLength(1);
      });

      test('to be purged', async () => {
        const queue = await open();
        const { id } = await die(queue);
        const living = await accept(queue);
        expect(await queue.purge([id, living.id])).toEqual([id]);
        expect(await queue.status(id)).toBeUndefined();
        expect(await queue.status(living.id)).toMatchObject({ state: 'accepted' });
        expect(await queue.stats()).toMatchObject({ depth: 1, dead: 0, totals: { purged: 1 } });
      });
    });

    test('gives back what it was given, whatever characters and bytes are in it, and takes nobody for somebody else', async () => {
      const queue = await open();
      const odd = 'https://issuer.example/{a}:\u0000 "\n\t\u00fc\u{1f511}';
      const parts: readonly Partial<NewEntry>[] = [
        { issuer: odd, route: odd, client: odd, fingerprint: odd, idempotencyKey: odd },
        { issuer: '__proto__', client: 'constructor', payload: new Uint8Array(0) },
        { issuer: 'b', client: 'a1:', payload: Uint8Array.from({ length: 256 }, (_, index) => index) },
        { issuer: '1:b', client: 'a', acceptedAtMs: START_MS + 0.25, runBeforeMs: 1e300 },
        { issuer: ':b', client: 'a1', acceptedAtMs: 0.1, runBeforeMs: -0.1 },
      ];
      const entries: NewEntry[] = [];
      for (const part of parts) entries.push(await accept(queue, part));
      expect((await queue.stats()).byIssuer).toEqual(Object.fromEntries(parts.map(({ issuer }) => [issuer, 1])));
      for (const { id, route, client, acceptedAtMs } of entries) {
        expect(await queue.status(id)).toMatchObject({ route, client, acceptedAtMs });
      }
      const claims = await queue.claim(odd, 5, LEASE);
      expect(claims.map(({ entry }) => plain(entry))).toEqual(entries.map((entry) => plain(entry)));
      expect(await queue.accept({ ...entryOf(), idempotencyKey: odd, fingerprint: odd })).toEqual({
        kind: 'repeated',
        id: entries[0]!.id,
      });
    });

    test('ends and gives back many at once, each once', async () => {
      const queue = await open();
      const entries = await Promise.all(Array.from({ length: 700 }, () => accept(queue)));
      const claims = await queue.claim('worker-1', 700, LEASE);
      expect(idsOf(claims).toSorted()).toEqual(entries.map(({ id }) => id).toSorted());
      nowMs += 5000;
      expect(await queue.extend(claims, 10_000)).toHaveLength(700);
      const released = claims.slice(0, 300).map((claim) => ({ claim, notBeforeMs: nowMs }));
      expect(await queue.release(released)).toEqual(Array(300).fill(true));
      expect(await queue.settle(claims.map((claim) => [claim, DONE] as const))).toEqual(claims.map((_, index) => index >= 300));
      expect(await queue.stats()).toMatchObject({ depth: 300, claimed: 0, totals: { done: 400 } });
    });

    test('says nothing by a clock that gives no time', async () => {
      const queue = await open({ clock: () => NaN });
      await expect(queue.accept(entryOf())).rejects.toMatchObject({ code: 'queue_unavailable' });
      await expect(queue.claim('worker-1', 1, LEASE)).rejects.toMatchObject({ code: 'queue_unavailable' });
      await expect(queue.stats()).rejects.toMatchObject({ code: 'queue_unavailable' });
    });

    test('gives its figures', async () => {
      const queue = await open();
      expect(await queue.stats()).toEqual({
        depth: 0,
        claimed: 0,
        oldestAgeMs: 0,
        dead: 0,
        perSecond: { accepted: 0, ended: 0 },
        byIssuer: {},
        totals: { accepted: 0, done: 0, refused: 0, dead: 0, replayed: 0, purged: 0 },
      });
      for (let index = 0; index < 6; index += 1) await accept(queue);
      nowMs += 700;
      await accept(queue, { issuer: 'https://other.example' });
      const claims = await queue.claim('worker-1', 5, LEASE);
      await queue.settle([
        [claims[0]!, DONE],
        [claims[1]!, { state: 'refused', reason: 'token_revoked' }],
        [claims[2]!, { state: 'dead', reason: 'crash' }],
      ]);
      const stats = await queue.stats();
      expect(stats).toMatchObject({
        depth: 4,
        claimed: 2,
        oldestAgeMs: 700,
        dead: 1,
        totals: { accepted: 7, done: 1, refused: 1, dead: 1, replayed: 0, purged: 0 },
      });
      expect(stats.perSecond.accepted).toBeCloseTo(7 / 60);
      expect(stats.perSecond.ended).toBeCloseTo(3 / 60);
      expect(Object.values(stats.byIssuer).reduce((sum, depth) => sum + depth, 0)).toBe(4);
    });

    test('keeps everything over a restart', async () => {
      const first = await open();
      const entries = [await accept(first), await accept(first), await accept(first)];
      const [claim] = await first.claim('worker-1', 1, LEASE);
      await first.close();
      const second = await open();
      expect(await second.status(entries[0]!.id)).toMatchObject({ state: 'claimed' });
      expect(idsOf(await second.claim('worker-2', 5, LEASE))).toEqual([entries[1]!.id, entries[2]!.id]);
      expect(await second.settle([[claim!, DONE]])).toEqual([true]);
    });

    test('a claim waits for the first entry, whoever accepts it, and ends with nothing when its time is over', async () => {
      const clock = Date.now;
      const [one, two] = [await open({ clock }), await open({ clock })];
      expect(await one.claim('worker-1', 10, { leaseMs: 1000, waitMs: 60 })).toEqual([]);
      for (const queue of [one, two]) {
        const claiming = one.claim('worker-1', 10, { leaseMs: 60_000, waitMs: 20_000 });
        const entry = entryOf({ acceptedAtMs: Date.now(), runBeforeMs: Date.now() + 60_000 });
        await queue.accept(entry);
        expect(idsOf(await claiming)).toEqual([entry.id]);
      }
    });

    test('a claim that waits ends with nothing when it is called off, and later accepted entries stay', async () => {
      const queue = await open({ clock: Date.now });
      const abort = new AbortController();
      const claiming = queue.claim('worker-1', 10, { leaseMs: 1000, waitMs: 20_000, signal: abort.signal });
      await queue.stats();
      abort.abort();
      expect(await claiming).toEqual([]);
      const entry = entryOf({ acceptedAtMs: Date.now() });
      await queue.accept(entry);
      expect(await queue.status(entry.id)).toMatchObject({ state: 'accepted', attempts: 0 });
    });

    test('gives each entry to one of several workers at once', async () => {
      const queues = [await open(), await open(), await open()];
      const entries = await Promise.all(
        Array.from({ length: 300 }, (_, index) => accept(queues[index % 3]!, { client: digestOf(`client ${index % 7}`) })),
      );
      const claimed = await Promise.all(
        queues.map(async (queue, worker) => {
          const own: Claim[] = [];
          for (;;) {
            const claims = await queue.claim(`worker-${worker}`, 8, { leaseMs: 60_000, waitMs: 0 });
            if (claims.length === 0) return own;
            own.push(...claims);
            expect(await queue.settle(claims.map((claim) => [claim, DONE] as const))).not.toContain(false);
          }
        }),
      );
      expect(idsOf(claimed.flat()).toSorted()).toEqual(entries.map(({ id }) => id).toSorted());
    });

    describe('forgets the oldest outcomes where there are too many', () => {
      const REFUSED = { state: 'refused', reason: 'scope_insufficient' } as const;
      const JUNK = { state: 'refused', reason: 'signature_invalid', isUnverified: true } as const;
      const endAll = async (queue: Queue, outcome: Outcome, count: number): Promise<readonly string[]> => {
        const ids: string[] = [];
        for (let turn = 0; turn < count; turn += 1) {
          const { id } = await accept(queue);
          expect(await queue.settle([[await claimOne(queue), outcome]])).toEqual([true]);
          nowMs += 1;
          ids.push(id);
        }
        return ids;
      };
      const kept = async (queue: Queue, ids: readonly string[]): Promise<readonly boolean[]> =>
        Promise.all(ids.map(async (id) => (await queue.status(id)) !== undefined));

      test('junk, which crowds out nothing else', async () => {
        const queue = await open({ limits: { ...ROOMY, unverifiedOutcomes: 3 } });
        const [done, refused, dead] = [
          await endAll(queue, DONE, 2),
          await endAll(queue, REFUSED, 2),
          await endAll(queue, { state: 'dead', reason: 'upstream_unavailable' }, 2),
        ];
        const junk = await endAll(queue, JUNK, 6);
        expect(await kept(queue, junk)).toEqual([false, false, false, true, true, true]);
        expect(await kept(queue, [...done, ...refused, ...dead])).toEqual(Array(6).fill(true));
        expect(await queue.status(junk[5]!)).toMatchObject({ state: 'refused', reason: 'signature_invalid' });
        expect(await queue.stats()).toMatchObject({ totals: { refused: 8, done: 2, dead: 2 } });
        nowMs += KEPT_MS;
        await endAll(queue, DONE, 1);
        expect(await kept(queue, [...junk, ...done, ...refused])).toEqual(Array(10).fill(false));
      });

      test('refusals before what was done, and that with its idempotency key', async () => {
        const queue = await open({ limits: { ...ROOMY, outcomes: 4 } });
        const first = entryOf({ acceptedAtMs: nowMs, runBeforeMs: nowMs + 60_000, idempotencyKey: digestOf('first') });
        await queue.accept(first);
        await queue.settle([[await claimOne(queue), DONE]]);
        nowMs += 1;
        const refused = await endAll(queue, REFUSED, 3);
        const done = await endAll(queue, DONE, 2);
        expect(await kept(queue, [first.id, ...refused, ...done])).toEqual([true, false, false, true, true, true]);
        const more = await endAll(queue, DONE, 2);
        expect(await kept(queue, [first.id, ...refused])).toEqual([false, false, false, false]);
        expect(await kept(queue, [...done, ...more])).toEqual([true, true, true, true]);
        expect(await queue.accept({ ...first, id: entryOf().id })).toMatchObject({ kind: 'accepted' });
      });
    });

    describeQueueCampaign(start);
    describeKilledProcesses(() => harness);
  });
}

// A Buffer is a Uint8Array, but not to `toEqual`.
function plain(entry: NewEntry): NewEntry {
  return { ...entry, payload: new Uint8Array(entry.payload) };
}
