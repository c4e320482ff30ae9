import { describe, expect, test } from 'vitest';
import { createMemoryRevocationLog } from '../../src/revocation/memory-log.ts';
import { settle } from './manual-schedule.ts';
import { Recorder, describeRevocationLog, revocationOf } from './log-suite.ts';

describeRevocationLog('memory', async () => {
  const log = createMemoryRevocationLog();
  return { open: () => log };
});

describe('a memory log', () => {
  test('refuses unknown options', () => {
    expect(() => createMemoryRevocationLog({ path: 'a' } as never)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });

  test('forgets what expired five minutes ago', async () => {
    let nowMs = 1_000_000;
    const log = createMemoryRevocationLog({ clock: () => nowMs });
    await log.append(revocationOf('a', nowMs + 1000));
    nowMs += 400_000;
    await log.append(revocationOf('b', nowMs + 1000));
    const recorder = new Recorder();
    log.follow(recorder);
    await settle();
    expect(recorder.ids).toEqual(['b']);
  });
});
