import { describe, expect, test } from 'vitest';
import { WatchwordError } from '../../src/errors.ts';
import { type Revocations, createRevocations } from '../../src/revocation/revocations.ts';
import { inPages } from '../../src/revocation/pages.ts';
import { type Revocation, encodeRevocation } from '../../src/revocation/revocation.ts';
import type { LogPosition, RevocationFollower, RevocationListener, RevocationLog } from '../../src/revocation/revocation-log.ts';
import { ISSUER, NOW } from '../support/tokens.ts';
import { revocationOf } from './log-suite.ts';
import { ManualSchedule, settle } from './manual-schedule.ts';
import { UNTIL_MS, tokenWith } from './tokens.ts';

/** A log whose storage a test can break, empty and bring back. */
class ForgetfulLog implements RevocationLog {
  readonly stored = new Map<string, Revocation>();
  isDown = false;
  appends = 0;
  freshAtMs = NOW * 1000;
  #epoch = 1;
  #sequence = 0;
  #listener: RevocationListener | undefined;
  async append(revocation: Revocation): Promise<void> {
    this.appends += 1;
    if (this.isDown) throw new WatchwordError('revocation_unavailable');
    if (this.stored.has(encodeRevocation(revocation))) return;
    this.stored.set(encodeRevocation(revocation), revocation);
    this.#sequence += 1;
    this.#listener?.entry({ revocation, position: this.position, appendedAtMs: NOW * 1000 - 7 });
  }
  follow(listener: RevocationListener): RevocationFollower {
    this.#listener = listener;
    const freshAtMs = (): number => this.freshAtMs;
    return {
      get freshAtMs() {
        return freshAtMs();
      },
      close: () => (this.#listener = undefined),
    };
  }
  async close(): Promise<void> {}
  get position(): LogPosition {
    return { epoch: `${this.#epoch}`, sequence: this.#sequence };
  }
  async snapshot(): Promise<void> {
    await this.#listener?.snapshot(inPages([...this.stored.values()]), this.position);
  }
  async loseEverything(): Promise<void> {
    this.stored.clear();
    this.#epoch += 1;
    this.#sequence = 0;
    await this.snapshot();
  }
}

function start() {
  const time = new ManualSchedule(NOW * 1000);
  const log = new ForgetfulLog();
  const revocations = createRevocations({ log, clock: time.clock, schedule: time.schedule, random: () => 0.5 });
  const isRevoked = (jti: string): boolean => revocations.revokes(tokenWith({ jti }), time.nowMs);
  return { time, log, revocations, isRevoked };
}

const revocation = (jti: string): Revocation => revocationOf(jti, UNTIL_MS);

describe('revocations refuse', () => {
  test.each<[string, unknown]>([
    ['no log', {}],
    ['unknown options', { log: new ForgetfulLog(), index: 1 }],
    ['a clock that is none', { log: new ForgetfulLog(), clock: 7 }],
    ['timers that are none', { log: new ForgetfulLog(), schedule: 7 }],
  ])('%s', (_name, options) => {
    expect(() => createRevocations(options as never)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });

  test('a revocation with a typing error, without telling the log', async () => {
    const { log, revocations } = start();
    await expect(revocations.revoke({ ...revocation('a'), jit: 'b' } as never)).rejects.toMatchObject({ code: 'config_invalid' });
    expect([log.appends, revocations.stats().owed]).toEqual([0, 0]);
  });

  test('to be ready, once closed before the first snapshot', async () => {
    const { revocations } = start();
    revocations.close();
    await expect(revocations.ready()).rejects.toMatchObject({ code: 'revocation_unavailable' });
    expect(revocations.freshAtMs).toBe(-Infinity);
  });
});

describe('what this process revokes', () => {
  test('is refused here at once, before the log has it', async () => {
    const { revocations, isRevoked } = start();
    const done = revocations.revoke(revocation('a'));
    expect(isRevoked('a')).toBe(true);
    await done;
    expect(revocations.stats()).toMatchObject({ entries: 1, owed: 0, repaid: 0 });
  });

  test('is told as failed while the log is down, is refused here, and goes to the log later', async () => {
    const { time, log, revocations, isRevoked } = start();
    log.isDown = true;
    await expect(revocations.revoke(revocation('a'))).rejects.toMatchObject({ code: 'revocation_unavailable' });
    expect(isRevoked('a')).toBe(true);
    await time.pass(5000);
    expect(log.appends).toBeLessThan(10);
    expect(revocations.stats()).toMatchObject({ owed: 1, repaid: 0 });
    log.isDown = false;
    await time.pass(10_000);
    expect([...log.stored.values()]).toEqual([revocation('a')]);
    expect(revocations.stats()).toMatchObject({ owed: 0, repaid: 1 });
  });

  test('is owed to those that begin to follow until the log has it: before the first snapshot all that is known', async () => {
    const { time, log, revocations } = start();
    await revocations.revoke(revocation('early'));
    expect(revocations.owed()).toEqual([revocation('early')]);
    await log.snapshot();
    expect(revocations.owed()).toEqual([]);
    log.isDown = true;
    await revocations.revoke(revocation('a')).catch(() => {});
    expect(revocations.owed()).toEqual([revocation('a')]);
    log.isDown = false;
    await time.pass(10_000);
    expect(revocations.owed()).toEqual([]);
  });

  test('is given up when it has expired', async () => {
    const { time, log, revocations } = start();
    log.isDown = true;
    await revocations.revoke(revocationOf('a', NOW * 1000 + 60_000)).catch(() => {});
    await time.pass(120_000);
    expect(revocations.stats()).toMatchObject({ owed: 0, repaid: 0 });
  });
});

describe('a log that has lost its history (D10)', () => {
  test('brings no token back, and gets it all again', async () => {
    const { time, log, revocations, isRevoked } = start();
    await log.snapshot();
    await revocations.revoke(revocation('own'));
    await log.append(revocation('of another'));
    await log.loseEverything();
    expect([isRevoked('own'), isRevoked('of another')]).toEqual([true, true]);
    await time.pass(1000);
    expect(new Set(log.stored.values())).toEqual(new Set([revocation('own'), revocation('of another')]));
    expect(revocations.stats()).toMatchObject({ owed: 0, repaid: 2, snapshots: 2, position: { epoch: '2', sequence: 2 } });
  });

  test('gets from one follower what another has brought already', async () => {
    const { time, log, revocations } = start();
    await log.snapshot();
    await log.append(revocation('a'));
    await log.loseEverything();
    await log.append(revocation('a'));
    await time.pass(1000);
    expect([log.appends, revocations.stats().repaid]).toEqual([2, 0]);
  });

  test('gets thousands', async () => {
    const { time, log, revocations } = start();
    await log.snapshot();
    for (let index = 0; index < 1000; index += 1) await log.append(revocation(`${index}`));
    await log.loseEverything();
    await time.pass(1000);
    expect([log.stored.size, revocations.stats().repaid]).toEqual([1000, 1000]);
  });

  test('does not get what has expired', async () => {
    const { time, log } = start();
    await log.snapshot();
    await log.append(revocationOf('a', NOW * 1000 + 1000));
    await time.pass(2000);
    await log.loseEverything();
    await time.pass(1000);
    expect(log.stored.size).toBe(0);
  });
});

describe('whoever wants to know what is revoked', () => {
  const listening = () => {
    const world = start();
    const told: Revocation[] = [];
    const stop = world.revocations.onRevocation((one) => {
      // In force by then.
      expect('jti' in one && world.isRevoked(one.jti)).toBe(true);
      told.push(one);
    });
    return { ...world, told, stop };
  };

  test('must be a function', () => {
    expect(() => start().revocations.onRevocation(7 as never)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });

  test('does not harm anything by throwing', async () => {
    const { log, revocations, told } = listening();
    revocations.onRevocation(() => {
      throw new Error('a defect of a listener');
    });
    const later: Revocation[] = [];
    revocations.onRevocation((one) => later.push(one));
    log.stored.set('a', revocation('a'));
    await log.snapshot();
    await log.append(revocation('b'));
    await revocations.revoke(revocation('c'));
    expect(told).toEqual(['a', 'b', 'c'].map(revocation));
    expect(later).toEqual(told);
    expect(revocations.stats()).toMatchObject({ failures: 0, owed: 0 });
    await expect(revocations.ready()).resolves.toBeUndefined();
  });

  test('is told once of each: revoked here, an entry, or in a snapshot', async () => {
    const { log, revocations, told } = listening();
    await revocations.revoke(revocation('a'));
    await log.append(revocation('b'));
    log.stored.set('c', revocation('c'));
    await log.snapshot();
    await revocations.revoke(revocation('a'));
    await log.loseEverything();
    expect(told).toEqual(['a', 'b', 'c'].map(revocation));
  });

  test('is told nothing any more after the subscription has ended', async () => {
    const { log, revocations, told, stop } = listening();
    stop();
    await revocations.revoke(revocation('a'));
    await log.append(revocation('b'));
    expect(told).toEqual([]);
  });
});

describe('figures', () => {
  test('lag is the time since all was known; infinite at first', async () => {
    const { time, log, revocations } = start();
    log.freshAtMs = -Infinity;
    expect(revocations.stats().lagMs).toBe(Infinity);
    log.freshAtMs = time.nowMs;
    time.nowMs += 250;
    await log.append(revocation('a'));
    expect(revocations.stats()).toMatchObject({ lagMs: 250, deliveryMs: 257 });
  });

  test('memory comes back after expiry, and a closed one leaves no timer', async () => {
    const { time, log, revocations } = start();
    await log.append(revocationOf('a', NOW * 1000 + 1000));
    await time.pass(3_600_000);
    expect(revocations.stats()).toMatchObject({ entries: 0, bytes: 0 });
    revocations.close();
    await settle();
    expect(time.pending).toBe(0);
  });
});

describe('those that take the place of others', () => {
  function follow(earlier: ReturnType<typeof start>, log = new ForgetfulLog()) {
    const { clock, schedule } = earlier.time;
    const options = { log, clock, schedule, random: () => 0.5, earlier: earlier.revocations };
    return { log, next: createRevocations(options) };
  }
  const ofJti = (jti: string): Revocation => ({ issuer: ISSUER, jti, expiresAtMs: UNTIL_MS });
  const isRevoked = (revocations: Revocations, jti: string): boolean => revocations.revokes(tokenWith({ jti }), NOW * 1000);

  test('know what those knew, also what the log never got, before they are ready; and give it to their log', async () => {
    const first = start();
    await first.log.snapshot();
    first.log.isDown = true;
    await first.revocations.revoke(ofJti('never-stored')).catch(() => {});
    const { log, next } = follow(first);
    const snapshot = log.snapshot();
    await next.ready();
    await snapshot;
    first.revocations.close();
    expect(isRevoked(next, 'never-stored')).toBe(true);
    await first.time.pass(200);
    expect([...log.stored.keys()]).toEqual([encodeRevocation(ofJti('never-stored'))]);
    expect(next.stats()).toMatchObject({ entries: 1, owed: 0, repaid: 1 });
    next.close();
  });

  test('hear of what is revoked there until those are closed', async () => {
    const first = start();
    await first.log.snapshot();
    const { log, next } = follow(first);
    await log.snapshot();
    first.log.isDown = true;
    await first.revocations.revoke(ofJti('late')).catch(() => {});
    expect(isRevoked(next, 'late')).toBe(true);
    expect(next.stats().owed).toBe(1);
    await first.time.pass(200);
    expect(log.stored.size).toBe(1);
    next.close();
    await first.revocations.revoke(ofJti('later')).catch(() => {});
    expect(isRevoked(next, 'later')).toBe(false);
    first.revocations.close();
  });

  test('are heeded by those whose place they took, until those are closed: what they know and what they hear', async () => {
    const first = start();
    await first.log.snapshot();
    const { log, next } = follow(first);
    await log.snapshot();
    await next.revoke(ofJti('before'));
    const news: Revocation[] = [];
    first.revocations.onRevocation((revocation) => news.push(revocation));
    await first.revocations.heed(next);
    await first.revocations.heed(next);
    expect(isRevoked(first.revocations, 'before')).toBe(true);
    await next.revoke(ofJti('after'));
    expect(isRevoked(first.revocations, 'after')).toBe(true);
    expect(news).toEqual([ofJti('before'), ofJti('after')]);
    await first.time.pass(200);
    expect(first.log.stored.size).toBe(2);
    first.revocations.close();
    await next.revoke(ofJti('later'));
    expect(isRevoked(first.revocations, 'later')).toBe(false);
    next.close();
  });

  test('must be revocations of this process', async () => {
    const { revocations, log } = start();
    await expect(revocations.heed({ ...revocations } as Revocations)).rejects.toThrow('revocations.heed: ');
    expect(() => createRevocations({ log, earlier: { ...revocations } as Revocations })).toThrow('revocations.earlier: ');
    revocations.close();
  });
});
