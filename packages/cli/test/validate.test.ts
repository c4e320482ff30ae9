import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createConfigJsonSchema } from '@watchword/gateway';
import { createFiles, watchword } from './support.ts';

describe('E13: validate says everything that is wrong, and where', () => {
  test('wrong usage, a missing file, a directory: exit 2, no verdict', async () => {
    const files = createFiles();
    for (const args of [[], ['--json'], [files.config, '--schema'], ['--schema', '--json'], [files.config, 'extra']]) {
      expect(await watchword(['validate', ...args]), args.join(' ')).toMatchObject({ code: 2, out: '' });
    }
    expect(await watchword(['validate', '/nonexistent'])).toEqual({
      code: 2,
      out: '',
      err: '/nonexistent: cannot be read (ENOENT)\n',
    });
    expect(await watchword(['validate', files.directory])).toMatchObject({ code: 2, out: '' });
  });

  test('settings: each reason on a line of its own, exit 1', async () => {
    const files = createFiles('limits: {bodyBytes: -1, speed: 3}\n', 'listen: {port: x}\ncontrol: {port: 0}\n');
    expect(await watchword(['validate', files.config])).toEqual({
      code: 1,
      out: '',
      err: [
        `${files.config}:1:16: listen.port: must be a number`,
        `${files.config}:17:21: limits.bodyBytes: must be at least 0`,
        `${files.config}:17:25: limits.speed: is not a setting`,
        '',
      ].join('\n'),
    });
  });

  test('files that cannot be read, though settings are wrong, or do not go together', async () => {
    const wrong = createFiles('limits: {bodyBytes: -1}\ndeferred: {queue: {sqlite: q.db}, sealKeyFile: seal.secret}\n');
    expect((await watchword(['validate', wrong.config])).err.split('\n')).toEqual([
      `${wrong.config}:17:21: limits.bodyBytes: must be at least 0`,
      `${wrong.config}:18:48: deferred.sealKeyFile: cannot be read (ENOENT)`,
      '',
    ]);
    const apart = createFiles('deferred: {queue: {sqlite: q.db}, sealKeyFile: .}\nsharedTable: {entries: 16}\n');
    expect((await watchword(['validate', apart.config])).err.split('\n')).toEqual([
      expect.stringContaining('sharedTable: goes with threads above 1 only'),
      `${apart.config}:17:48: deferred.sealKeyFile: cannot be read (EISDIR)`,
      '',
    ]);
  });

  test('a configuration that holds itself ends, as one that is wrong', async () => {
    const files = createFiles('limits: &all {bodyBytes: -1, more: *all}\n');
    expect(await watchword(['validate', files.config])).toMatchObject({ code: 1, err: expect.stringContaining('limits.more') });
  });

  test('one value: one reason; and what is no text says so', async () => {
    const files = createFiles();
    files.write('watchword.yaml', readFileSync(files.config, 'utf8').replace('url: http://127.0.0.1:1', 'url: 127.0.0.1:1'));
    expect((await watchword(['validate', files.config])).err.match(/orders\.url/g)).toHaveLength(1);
    writeFileSync(files.config, Buffer.from([0xff, 0xfe]));
    expect((await watchword(['validate', files.config])).err).toBe(`${files.config}: cannot be read (not UTF-8)\n`);
  });

  test('--json: the same for programs', async () => {
    const files = createFiles('limits: {bodyBytes: -1}\n');
    const { code, out, err } = await watchword(['validate', files.config, '--json']);
    expect({ code, err }).toEqual({ code: 1, err: '' });
    expect(JSON.parse(out)).toEqual({
      file: files.config,
      valid: false,
      errors: [{ line: 17, column: 21, path: 'limits.bodyBytes', reason: 'must be at least 0' }],
    });
  });

  test('files that it names: every one is read, without quoting it (E12)', async () => {
    const files = createFiles(`revocation: {log: {redis: "redis://127.0.0.1:1", passwordFile: password}}
deferred: {queue: {redis: "redis://127.0.0.1:1", passwordFile: password}, sealKeyFile: password}\n`);
    files.write('jwks.json', '{"hunter2');
    files.write('password', ' \n');
    files.write('txn.pem', 'hunter2');
    files.write('watchword.yaml', withKeyFile(files.config));
    const { code, out, err } = await watchword(['validate', files.config]);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('issuers[0].jwksFile: is not JSON');
    expect(err).toContain('txnToken.keyFile: ');
    expect(err).toContain('revocation.log.passwordFile: is empty');
    expect(err).toContain('deferred.queue.passwordFile: is empty');
    expect(err).toContain('deferred.sealKeyFile: is empty');
    expect(err).not.toContain('hunter2');
    expect(err.trimEnd().split('\n')).toHaveLength(5);
  });

  test('not UTF-8 is wrong, not unreadable: exit 1', async () => {
    const files = createFiles();
    expect(await watchword(['validate', writeBytes(files.config)])).toMatchObject({ code: 1, out: '' });
  });

  test('a good one, whose issuer cannot be reached: exit 0, nobody was asked', async () => {
    const files = createFiles();
    replaceIn(files.config, 'jwksFile: jwks.json', 'jwksUrl: https://127.0.0.1:1/jwks\n    allowInsecure: true');
    expect(await watchword(['validate', files.config])).toEqual({ code: 0, out: `${files.config}: good\n`, err: '' });
    const { out } = await watchword(['validate', files.config, '--json']);
    expect(JSON.parse(out)).toEqual({ file: files.config, valid: true, errors: [] });
  });
});

test('validate --schema prints the JSON Schema', async () => {
  const { code, out, err } = await watchword(['validate', '--schema']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(JSON.parse(out)).toEqual(createConfigJsonSchema());
});

function replaceIn(file: string, from: string, to: string): void {
  const text = readFileSync(file, 'utf8');
  expect(text).toContain(from);
  writeFileSync(file, text.replace(from, to));
}

function withKeyFile(file: string): string {
  return readFileSync(file, 'utf8').replace('  trustDomain', '  keyFile: txn.pem\n  trustDomain');
}

function writeBytes(file: string): string {
  writeFileSync(file, Buffer.from([0x61, 0xff]));
  return file;
}
