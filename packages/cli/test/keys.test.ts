import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSigningKeySet, createSqliteSigningKeyStore } from '@watchword/core';
import { describe, expect, test } from 'vitest';
import { type TestFiles, createFiles, watchword } from './support.ts';

interface Shown {
  readonly kid: string;
  readonly state: string;
}

/** A configuration whose gateway has made its first key. */
function filled(): TestFiles {
  const files = createFiles();
  const text = readFileSync(files.config, 'utf8');
  files.write('watchword.yaml', text.replace('trustDomain: inside.example', 'trustDomain: inside.example\n  keys: {}'));
  return files;
}

async function makeFirstKey({ directory }: TestFiles, clock: () => number = Date.now): Promise<string> {
  const store = createSqliteSigningKeyStore({ path: join(directory, 'signing-keys.db'), clock });
  const set = createSigningKeySet({ store, clock });
  await set.ready();
  const { kid } = set.describe()[0]!;
  await set.close();
  return kid;
}

const run = (files: TestFiles, ...args: string[]) => watchword(['keys', ...args, '--config', files.config]);
const shownBy = async (files: TestFiles, ...args: string[]): Promise<Shown[]> =>
  JSON.parse((await run(files, ...args, '--json')).out) as Shown[];

describe('keys refuses', () => {
  test('what has no keys that rotate, or none yet, or not that one', async () => {
    expect(await run(createFiles(), 'show')).toMatchObject({ code: 1, err: expect.stringContaining('no section txnToken.keys') });
    const files = filled();
    expect(await run(files, 'show')).toMatchObject({ code: 1, err: expect.stringContaining('no gateway has made a key yet') });
    await makeFirstKey(files);
    expect(await run(files, 'withdraw', 'nobody')).toMatchObject({
      code: 1,
      err: expect.stringContaining('there is no key nobody'),
    });
    expect(await run(files, 'withdraw')).toMatchObject({ code: 2, err: expect.stringContaining('missing required argument') });
  });
});

describe('keys', () => {
  test('shows which one signs, publishes the next, and withdraws', async () => {
    const files = filled();
    const kid = await makeFirstKey(files);
    const { code, out } = await run(files, 'show');
    expect({ code, out }).toEqual({
      code: 0,
      out: expect.stringMatching(/^current {3}\S{8} {2}ES256 {2}signs .* published until .*\n$/),
    });
    expect(await shownBy(files, 'rotate')).toMatchObject([{ state: 'next' }, { state: 'current', kid }]);
    const left = await shownBy(files, 'withdraw', kid);
    // The answer was lost, so it is asked again.
    expect(await shownBy(files, 'withdraw', kid)).toEqual(left);
    expect((await run(files, 'withdraw', kid)).err).toBe(`${kid} is withdrawn\n`);
    expect(left.map(({ state }) => state).toSorted()).toEqual(['current', 'next']);
    expect(left.map((one) => one.kid)).not.toContain(kid);
    expect(JSON.stringify(left)).not.toContain('pkcs8');
  });

  test('show makes none, though all that there were have ended', async () => {
    const files = filled();
    await makeFirstKey(files, () => Date.now() - 7 * 86_400_000);
    expect(await run(files, 'show')).toEqual({ code: 0, out: 'no key is published now\n', err: '' });
    expect(await shownBy(files, 'show')).toEqual([]);
    expect(await shownBy(files, 'rotate')).toMatchObject([{ state: 'current' }]);
  });

  test('rotate --at-once: another one signs now', async () => {
    const files = filled();
    const kid = await makeFirstKey(files);
    expect(await shownBy(files, 'rotate', '--at-once')).toMatchObject([{ state: 'current' }, { state: 'retiring', kid }]);
  });
});
