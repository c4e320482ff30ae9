/** What every revocation log must do. Each implementation runs it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRevocations } from '../../src/revocation/revocations.ts';
import { type Revocation, encodeRevocation } from '../../src/revocation/revocation.ts';
import type {
  LogEntry,
  LogPosition,
  RevocationFollower,
  RevocationListener,
  RevocationLog,
  SnapshotPages,
} from '../../src/revocation/revocation-log.ts';
import { tokenWith } from './tokens.ts';

/** How the suite comes by logs. */
export interface LogHarness {
  /** A log on the same storage each time; a memory log gives itself. */
  open(): RevocationLog;
  /** Gives back everything. Opened logs have been closed. */
  destroy?(): Promise<void>;
}

/** What one listener was told. */
export class Recorder implements RevocationListener {
  readonly snapshots: { readonly revocations: readonly Revocation[]; readonly position: LogPosition }[] = [];
  readonly entries: LogEntry[] = [];
  readonly failures: unknown[] = [];
  readonly order: string[] = [];
  async snapshot(pages: SnapshotPages, position: LogPosition): Promise<void> {
    const revocations = new Map<string, Revocation>();
    for await (const page of pages) for (const one of page) revocations.set(encodeRevocation(one), one);
    this.order.push('snapshot');
    this.snapshots.push({ revocations: [...revocations.values()], position });
  }
  entry(entry: LogEntry): void {
    this.order.push('entry');
    this.entries.push(entry);
  }
  failed(error: unknown): void {
    this.failures.push(error);
  }
  /** Ids of all tokens it knows to be revoked. */
  get ids(): readonly string[] {
    const entries = this.entries.map(({ revocation }) => revocation);
    // A snapshot may hold what was appended while it was taken.
    return [...new Set([...(this.snapshots.at(-1)?.revocations ?? []), ...entries].map(idOf))];
  }
}

/** A revocation that is in force for an hour. */
export function revocationOf(jti: string, expiresAtMs: number = Math.floor(Date.now() / 1000) * 1000 + 3_600_000): Revocation {
  return { issuer: 'https://issuer.example', jti, expiresAtMs };
}

const idOf = (revocation: Revocation): string => ('jti' in revocation ? revocation.jti : JSON.stringify(revocation));

/** Waits, for what comes from another process, until `check` is true. */
export async function eventually(check: () => boolean, what: string, withinMs = 10_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!check()) {
    if (performance.now() > deadline) throw new Error(`Not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Describes the suite for one implementation. */
export function describeRevocationLog(name: string, start: () => Promise<LogHarness>): void {
  describe(`${name} is a revocation log`, () => {
    let harness: LogHarness;
    let opened: RevocationLog[] = [];
    const open = (): RevocationLog => {
      const log = harness.open();
      opened.push(log);
      return log;
    };
    const follow = async (log: RevocationLog): Promise<{ recorder: Recorder; follower: RevocationFollower }> => {
      const recorder = new Recorder();
      const follower = log.follow(recorder);
      await eventually(() => recorder.snapshots.length > 0, 'first snapshot');
      return { recorder, follower };
    };

    beforeEach(async () => {
      harness = await start();
      opened = [];
    });
    afterEach(async () => {
      for (const log of opened) await log.close();
      await harness.destroy?.();
    });

    test('refuses what is no revocation, and stays as it was', async () => {
      const log = open();
      await expect(log.append({ issuer: 'a', expiresAtMs: 1 } as never)).rejects.toMatchObject({ code: 'config_invalid' });
      await expect(log.append({ ...revocationOf('a'), note: 'b' } as never)).rejects.toMatchObject({ code: 'config_invalid' });
      const { recorder } = await follow(log);
      expect(recorder.ids).toEqual([]);
    });

    test('refuses to append once closed', async () => {
      const log = open();
      await log.close();
      await expect(log.append(revocationOf('a'))).rejects.toMatchObject({ code: 'revocation_unavailable' });
    });

    test('tells nothing from within follow, and nothing is fresh before the snapshot', async () => {
      const log = open();
      const recorder = new Recorder();
      const follower = log.follow(recorder);
      expect([recorder.order, follower.freshAtMs]).toEqual([[], -Infinity]);
      await eventually(() => recorder.snapshots.length > 0, 'first snapshot');
      await eventually(() => Math.abs(Date.now() - follower.freshAtMs) < 2000, 'freshness');
    });

    test('tells a closed follower nothing, and it is not fresh', async () => {
      const log = open();
      const { recorder, follower } = await follow(log);
      const { recorder: other } = await follow(log);
      follower.close();
      await log.append(revocationOf('a'));
      await eventually(() => other.entries.length === 1, 'entry of the other follower');
      expect([recorder.order, follower.freshAtMs]).toEqual([['snapshot'], -Infinity]);
      follower.close();
    });

    test('tells nobody anything once closed, and nobody is fresh', async () => {
      const log = open();
      const { follower } = await follow(log);
      await log.close();
      expect(follower.freshAtMs).toBe(-Infinity);
      await log.close();
    });

    test('gives a snapshot of what was appended before, and then each entry, in order', async () => {
      const [log, other] = [open(), open()];
      await log.append(revocationOf('a'));
      await other.append(revocationOf('b'));
      const { recorder } = await follow(log);
      expect(recorder.ids.toSorted()).toEqual(['a', 'b']);
      const before = Date.now();
      for (let index = 0; index < 50; index += 1) await (index % 2 === 0 ? log : other).append(revocationOf(`${index}`));
      await eventually(() => recorder.entries.length === 50, '50 entries');
      expect(recorder.entries.map(({ revocation }) => idOf(revocation))).toEqual(
        Array.from({ length: 50 }, (_, index) => `${index}`),
      );
      const { position } = recorder.snapshots[0]!;
      const sequences = [position.sequence, ...recorder.entries.map((entry) => entry.position.sequence)];
      expect(sequences.every((sequence, index) => index === 0 || sequence > sequences[index - 1]!)).toBe(true);
      expect(new Set([position.epoch, ...recorder.entries.map((entry) => entry.position.epoch)]).size).toBe(1);
      expect(
        recorder.entries.every(({ appendedAtMs }) => appendedAtMs >= before - 1000 && appendedAtMs <= Date.now() + 1000),
      ).toBe(true);
      expect([recorder.snapshots.length, recorder.failures]).toEqual([1, []]);
    });

    test('leaves nothing out for those who join while many append at once', async () => {
      const log = open();
      const joined = await follow(log);
      const appends: Promise<void>[] = [];
      const recorders = [joined.recorder];
      for (let index = 0; index < 300; index += 1) {
        appends.push(log.append(revocationOf(`${index}`)));
        if (index % 60 === 0) recorders.push((await follow(open())).recorder);
      }
      await Promise.all(appends);
      for (const recorder of recorders) {
        await eventually(() => new Set(recorder.ids).size === 300, 'all 300');
        expect(recorder.ids).toHaveLength(300);
      }
    });

    test('gives a long snapshot in pages: the event loop goes on, entries wait, and nothing is fresh before the end', async () => {
      const log = open();
      const count = 4500;
      await Promise.all(Array.from({ length: count }, (_, index) => log.append(revocationOf(`${index}`))));
      let turns = 0;
      const isTurning = { now: true };
      const turn = (): void => {
        turns += 1;
        if (isTurning.now) setImmediate(turn);
      };
      turn();
      const told = new Set<string>();
      const pages: { readonly size: number; readonly turn: number; readonly freshAtMs: number }[] = [];
      const entries: string[] = [];
      const ends: number[] = [];
      const follower = log.follow({
        async snapshot(all) {
          for await (const page of all) {
            for (const one of page) told.add(idOf(one));
            pages.push({ size: page.length, turn: turns, freshAtMs: follower.freshAtMs });
            if (pages.length === 2) await log.append(revocationOf('meanwhile'));
          }
          ends.push(entries.length);
        },
        entry: ({ revocation }) => void entries.push(idOf(revocation)),
        failed: () => {},
      });
      await eventually(() => ends.length > 0, 'whole snapshot');
      isTurning.now = false;
      expect(Array.from({ length: count }, (_, index) => `${index}`).filter((jti) => !told.has(jti))).toEqual([]);
      // A hash table's scan may give a bit more than asked for; three at once would be too many.
      expect(Math.max(...pages.map(({ size }) => size))).toBeLessThan(2000);
      expect(new Set(pages.map((page) => page.turn)).size).toBe(pages.length);
      expect(new Set(pages.map(({ freshAtMs }) => freshAtMs))).toEqual(new Set([-Infinity]));
      expect(ends).toEqual([0]);
      await eventually(() => entries.includes('meanwhile'), 'what was appended meanwhile');
      await eventually(() => follower.freshAtMs > 0, 'freshness');
      follower.close();
    });

    test('is fresh, and knows all, as soon as the revocations are ready', async () => {
      await open().append(revocationOf('a'));
      const revocations = createRevocations({ log: open() });
      await revocations.ready();
      expect(revocations.revokes(tokenWith({ jti: 'a' }), Date.now())).toBe(true);
      expect(revocations.stats().lagMs).toBeLessThan(2000);
      revocations.close();
    });

    test('closed in the middle of a snapshot: nothing more is told, nothing is fresh', async () => {
      const log = open();
      await Promise.all(Array.from({ length: 2500 }, (_, index) => log.append(revocationOf(`${index}`))));
      const revocations = createRevocations({ log });
      let known = 0;
      revocations.onRevocation(() => {
        known += 1;
        if (known === 1) revocations.close();
      });
      await expect(revocations.ready()).rejects.toMatchObject({ code: 'revocation_unavailable' });
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(known).toBeLessThan(2000);
      expect(revocations.freshAtMs).toBe(-Infinity);
      expect(revocations.stats()).toMatchObject({ snapshots: 0, failures: 0, owed: 0 });
    });

    test('takes each revocation once', async () => {
      const log = open();
      const { recorder } = await follow(log);
      const revocation = revocationOf('a');
      await Promise.all([log.append(revocation), log.append(revocation)]);
      await log.append(revocation);
      await log.append(revocationOf('end'));
      await eventually(() => recorder.ids.includes('end'), 'the last entry');
      expect(recorder.entries.map(({ revocation: one }) => idOf(one))).toEqual(['a', 'end']);
    });

    test('keeps every kind of target and every character', async () => {
      const log = open();
      const common = { issuer: 'https://issuer.example/ä?"\\', expiresAtMs: Math.floor(Date.now() / 1000) * 1000 + 3_600_000.5 };
      const all: Revocation[] = [
        { ...common, jti: '\u0000\n\ud800\u{1f511}' },
        { ...common, sid: '{tag}' },
        { ...common, sub: 'Zoë', issuedBefore: 1.5 },
        { ...common, kid: ' ' },
      ];
      const { recorder } = await follow(log);
      for (const revocation of all) await log.append(revocation);
      await eventually(() => recorder.entries.length === all.length, 'all kinds');
      expect(recorder.entries.map(({ revocation }) => revocation)).toEqual(all);
      const { recorder: late } = await follow(open());
      expect(late.snapshots[0]!.revocations.map(encodeRevocation).toSorted()).toEqual(all.map(encodeRevocation).toSorted());
    });

    test('makes a token revoked in one process refused in another', async () => {
      const [here, there] = [createRevocations({ log: open() }), createRevocations({ log: open() })];
      await Promise.all([here.ready(), there.ready()]);
      const token = tokenWith({ jti: 'a' });
      expect([here, there].map((one) => one.revokes(token, Date.now()))).toEqual([false, false]);
      await here.revoke(revocationOf('a'));
      expect(here.revokes(token, Date.now())).toBe(true);
      await eventually(() => there.revokes(token, Date.now()), 'revoked elsewhere', 2000);
      const stats = there.stats();
      expect(stats).toMatchObject({ entries: 1, snapshots: 1, owed: 0, failures: 0 });
      expect(stats.lagMs).toBeLessThan(2000);
      here.close();
      there.close();
    });
  });
}
