/** Signatures that threads check: the answer is `verifySignature`'s, whatever happens to a thread. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { CheckThreads } from '../../src/jws/check-threads.ts';
import { CheckWorker } from '../../src/jws/check-worker.ts';
import { prepareCheck, verifySignature } from '../../src/jws/signature.ts';
import { type ThreadedChecks, createThreadedChecks } from '../../src/jws/threaded-checks.ts';
import { type VerificationKey, createVerificationKey } from '../../src/keys/verification-key.ts';
import { freshSeed } from '../support/campaign.ts';
import { ALGORITHM_NAMES, ASYMMETRIC, type TestKey, testKey } from '../support/keys.ts';
import { malformed } from '../support/malformed-signatures.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { signatureChecks } from '../support/signature-count.ts';

const INPUT = 'header.payload';
const key = testKey('ES256');
const verificationKey = createVerificationKey(key.material);

const closers: (() => Promise<void>)[] = [];
afterEach(async () => void (await Promise.all(closers.splice(0).map((close) => close()))));

function threads(options?: Parameters<typeof createThreadedChecks>[0]): ThreadedChecks {
  const checks = createThreadedChecks(options);
  closers.push(() => checks.close());
  return checks;
}

const ask = (checks: ThreadedChecks, signature: Uint8Array, by: VerificationKey = verificationKey, input = INPUT) =>
  checks.check({ compact: '', signingInput: input, signature }, by, 0);

/** Asks until a thread has done some of it. */
async function up(checks: ThreadedChecks): Promise<ThreadedChecks> {
  while (checks.stats().threaded === 0) await ask(checks, key.sign(INPUT));
  return checks;
}

describe('wrong use', () => {
  test('limits that are none (B2)', () => {
    for (const options of [{ threads: 0 }, { threads: NaN }, { threads: 65 }, { now: 5 }, { workers: 2 }, null]) {
      expect(() => createThreadedChecks(options as object)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
    }
  });
});

describe('answers', () => {
  test.each(ALGORITHM_NAMES)(
    '%s: no to what is malformed, forged, of another input or key; yes to the right one',
    async (alg) => {
      const checks = await up(threads());
      const seed = freshSeed();
      const [own, other] = [testKey(alg), testKey(alg, 'other')] as [TestKey, TestKey];
      const by = createVerificationKey(own.material);
      const bad = [...malformed(own.sign(INPUT), new SeededRandom(seed)), other.sign(INPUT), own.sign(`${INPUT}x`)];
      const good = own.sign(INPUT);
      // Good ones between bad ones: none may get its neighbour's answer.
      const signatures = bad.flatMap((signature) => [signature, good]);
      const answers = await Promise.all(signatures.map((signature) => ask(checks, signature, by)));
      expect(answers, `seed ${seed}`).toEqual(signatures.map((signature) => verifySignature(INPUT, signature, by)));
      expect(answers.filter(Boolean)).toHaveLength(bad.length);
    },
  );

  test('many keys and inputs of many lengths at once, each its own answer; the input is a copy', async () => {
    const checks = await up(threads({ threads: 3 }));
    const random = new SeededRandom(freshSeed());
    const keys = ASYMMETRIC.map((alg) => [testKey(alg), createVerificationKey(testKey(alg).material)] as const);
    const asked = Array.from({ length: 500 }, (_, index) => {
      const [pair, by] = keys[random.int(keys.length)]!;
      const input = random.bytes(random.int(2000)).toString('base64url');
      const isGood = random.int(2) === 0;
      const signature = pair.sign(isGood ? input : `${input}${index}`);
      const answer = ask(checks, signature, by, input);
      return { isGood, answer };
    });
    expect(await Promise.all(asked.map(({ answer }) => answer))).toEqual(asked.map(({ isGood }) => isGood));
    const { threaded, chunks, lost } = checks.stats();
    expect(threaded).toBeGreaterThanOrEqual(500 - ASYMMETRIC.length);
    expect(chunks).toBeLessThan(threaded);
    expect(lost).toBe(0);
  });

  test('HMAC and a wrong length are answered at once; each check counts once', async () => {
    const checks = threads();
    const hmac = testKey('HS256');
    expect(ask(checks, hmac.sign(INPUT), createVerificationKey(hmac.material))).toBe(true);
    expect(ask(checks, Buffer.alloc(3))).toBe(false);
    await up(checks);
    expect(await signatureChecks(() => ask(checks, key.sign(INPUT)))).toBe(1);
  });
});

const BROKEN: Readonly<Record<string, string>> = {
  'is not there': 'file:///nowhere/check-thread.js',
  'does not load': js('throw new Error("x")'),
  'ends at once': js('process.exit(0)'),
  'ends with its first chunk': onChunk('process.exit(1)'),
  'throws at its first chunk': onChunk('throw new Error("x")'),
  'says yes to the chunk before': onChunk('answer(number - 1, lengths.length / 2, 1)'),
  'says yes to one too many': onChunk('answer(number, lengths.length / 2 + 1, 1)'),
  'says yes to one too few': onChunk('answer(number, lengths.length / 2 - 1, 1)'),
  'says something else': onChunk('answer(number, lengths.length / 2, 7)'),
  'says nothing that can be read': onChunk('parentPort.postMessage(null)'),
  'says more than it was asked': onChunk('answer(number, lengths.length / 2, 2); answer(number, lengths.length / 2, 1)'),
};

function js(text: string): string {
  return `data:text/javascript,${encodeURIComponent(`import process from 'node:process'; ${text}`)}`;
}

function onChunk(text: string): string {
  return js(`
    import { parentPort } from 'node:worker_threads';
    const answer = (number, length, octet) => parentPort.postMessage({ number, answers: new Uint8Array(length).fill(octet) });
    parentPort.on('message', ({ number, lengths }) => { ${text}; });`);
}

describe('a thread that', () => {
  test.each(Object.keys(BROKEN))('%s: no wrong yes, and nobody waits for ever', async (name) => {
    let nowMs = 0;
    let starts = 0;
    const source = new URL(BROKEN[name]!);
    const pool = new CheckThreads({
      most: 1,
      now: () => nowMs,
      start(events) {
        starts += 1;
        return new CheckWorker(events, source);
      },
    });
    closers.push(() => pool.close());
    const signatures = [key.sign(INPUT), Buffer.alloc(64, 1), key.sign('x'), key.sign(INPUT)];
    const round = async (): Promise<void> => {
      const asked = signatures.map((signature) => {
        const check = prepareCheck(INPUT, signature, verificationKey);
        return pool.check(check as Exclude<typeof check, boolean>, verificationKey);
      });
      expect(await Promise.all(asked)).toEqual([true, false, false, true]);
    };
    if (name === 'says something else') {
      while (pool.stats().threaded === 0) await round();
      await round();
      return expect(pool.stats().lost).toBe(0);
    }
    while (pool.stats().lost === 0) await round();
    // For a second no other thread: whatever is wrong with it would be wrong again.
    for (let index = 0; index < 5; index += 1) await round();
    expect([starts, pool.stats().lost]).toEqual([1, 1]);
    nowMs += 1000;
    await round();
    expect(starts).toBe(2);
  });
});

describe('its end', () => {
  test('what threads have when they are closed is answered, and so is what comes later', async () => {
    const checks = await up(createThreadedChecks());
    const asked = Array.from({ length: 300 }, (_, index) => ask(checks, key.sign(index % 2 === 0 ? INPUT : 'x')));
    await setImmediate();
    await checks.close();
    expect(await Promise.all(asked)).toEqual(asked.map((_, index) => index % 2 === 0));
    const { threaded } = checks.stats();
    expect(await ask(checks, key.sign(INPUT))).toBe(true);
    expect(await ask(checks, Buffer.alloc(64))).toBe(false);
    expect(checks.stats()).toMatchObject({ threads: 0, threaded, lost: 0 });
  });

  test('threads keep no process alive, unless somebody waits for them', () => {
    const program = `
      const { createThreadedChecks } = await import('./src/jws/threaded-checks.ts');
      const { createVerificationKey } = await import('./src/keys/verification-key.ts');
      const key = createVerificationKey(${JSON.stringify(key.material)});
      const checks = createThreadedChecks();
      const token = { compact: '', signingInput: '${INPUT}', signature: Buffer.from('${key.sign(INPUT).toString('hex')}', 'hex') };
      let answers = [];
      do answers.push(...await Promise.all(Array.from({ length: 100 }, () => checks.check(token, key, 0))));
      while (checks.stats().threaded === 0);
      console.log(answers.every((answer) => answer === true));`;
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: new URL('../..', import.meta.url),
      encoding: 'utf8',
      timeout: 25_000,
    });
    expect([stdout.trim(), status]).toEqual(['true', 0]);
  });

  test('D5: an answer comes in the context of whoever asked', async () => {
    const checks = await up(threads());
    const context = new AsyncLocalStorage<number>();
    const seen = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        context.run(index, async () => {
          await ask(checks, key.sign(INPUT));
          return context.getStore();
        }),
      ),
    );
    expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });
});
