import { describe, expect, test } from 'vitest';
import { ClaimReads } from '@watchword/core';
import { createFiles, watchword } from './support.ts';

function readsOf(service: string, counts: Readonly<Record<string, number>>): string {
  const reads = new ClaimReads(service);
  for (const [name, count] of Object.entries(counts)) for (let index = 0; index < count; index += 1) reads.note(name);
  return JSON.stringify(reads);
}

describe('wrong usage: exit 2', () => {
  test('no token, two tokens, no JWT', async () => {
    const files = createFiles();
    const file = files.write('token', files.token());
    expect(await watchword(['inspect'])).toMatchObject({ code: 2, err: expect.stringContaining('no token') });
    expect(await watchword(['inspect', 'x', '--token-file', file])).toMatchObject({
      code: 2,
      err: expect.stringContaining('not both'),
    });
    expect(await watchword(['inspect', 'a.b'])).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining('three segments'),
    });
  });

  test.each([
    ['not there', undefined, 'ENOENT'],
    ['no JSON', '{', 'is not JSON'],
    ['a list', '[]', 'is not a record'],
    ['another version', '{"version":2,"service":"a","reads":{}}', 'is not a record'],
    ['counts that are none', '{"version":1,"service":"a","reads":{"b":"1"}}', 'is not a record'],
    ['counts below zero', '{"version":1,"service":"a","reads":{"b":-1}}', 'is not a record'],
  ])('reads that are %s', async (_, content, reason) => {
    const files = createFiles();
    const path = content === undefined ? `${files.directory}/none.json` : files.write('reads.json', content);
    const result = await watchword(['inspect', '--reads', path, '--', files.token()]);
    expect(result).toMatchObject({ code: 2, out: '', err: expect.stringContaining(reason) });
    expect(result.err).toContain(path);
  });
});

describe('exit 0', () => {
  test('bytes by claim, names and no values', async () => {
    const files = createFiles();
    const token = files.token({ tenant: 'secret-tenant', '\u001b[31m': 1 });
    const { code, out } = await watchword(['inspect'], token);
    expect(code).toBe(0);
    expect(out).toContain(`${token.length} bytes`);
    expect(out).toContain('Nothing was verified');
    expect(out).toMatch(/^ {2}tenant .* %$/m);
    expect(out).not.toContain('secret-tenant');
    expect(out).not.toContain('\u001b');
  });

  test('with reads and a configuration: the smallest mapping and what it saves', async () => {
    const files = createFiles();
    const token = files.token({ tenant: 'acme', organisation: 'x'.repeat(60), roles: ['a'] });
    const reads = [
      files.write('a.json', readsOf('orders', { tenant: 3, sub: 1 })),
      files.write('b.json', readsOf('stock', { tenant: 1 })),
    ];
    const { code, out } = await watchword(['inspect', '--config', files.config, '--json', '--reads', ...reads], token);
    expect(code).toBe(0);
    const result = JSON.parse(out) as { services: string[]; advice: { mapping: object; txnToken: object }; payload?: unknown };
    expect(result).toMatchObject({ services: ['orders', 'stock'], advice: { mapping: { tenant: 'tenant' } } });
    expect(result.payload).toBeUndefined();
    expect(result.advice.txnToken).toMatchObject({ nowBytes: expect.any(Number), leastBytes: expect.any(Number) });
    const text = await watchword(['inspect', '-c', files.config, '-r', ...reads, '--token-file', files.write('token', token)]);
    expect(text.out).toContain('"tenant": "tenant"');
    expect(text.out).toMatch(/organisation .* 0 {2}drop/);
    expect(text.out).toMatch(/Txn-Token: \d+ bytes now, \d+ with this mapping/);
  });
});
