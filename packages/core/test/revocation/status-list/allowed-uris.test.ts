import { describe, expect, it, test } from 'vitest';
import { createHostRules } from '../../../src/keys/host-rules.ts';
import { type UriFilter, allowUris } from '../../../src/revocation/status-list/allowed-uris.ts';

const allow = (uris: unknown, allowInsecure = false): UriFilter => allowUris(uris, createHostRules({ allowInsecure }), 'uris');

describe('an allow-list is refused', () => {
  it.each<[string, unknown]>([
    ['that is missing', undefined],
    ['that is empty', []],
    ['that is text', 'https://issuer.example/'],
    ['with an entry that is no address', ['issuer.example']],
    ['with an entry that is no text', [1]],
    ['with http', ['http://issuer.example/']],
    ['with http on loopback, unless that is chosen', ['http://127.0.0.1:1/']],
    ['with a file', ['file:///etc/']],
    ['with credentials', ['https://user-1:x@issuer.example/']],
    ['with a fragment', ['https://issuer.example/#1']],
    ['with an empty fragment', ['https://issuer.example/#']],
    ['with an address in a private network', ['https://10.0.0.1/']],
    ['with the metadata service', ['https://169.254.169.254/']],
    ['in another spelling', ['https://ISSUER.example/']],
    ['with dot segments', ['https://issuer.example/a/../']],
    ['that is endless', [`https://issuer.example/${'x'.repeat(1024)}`]],
  ])('%s', (_name, uris) => {
    expect(() => allow(uris)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });
});

describe('C1: an address in a token', () => {
  const filter = allow(['https://one.example', 'https://two.example/lists/', 'https://three.example/list?id=1']);
  test.each([
    'https://one.example.intruder.example/',
    'https://one.example@intruder.example/',
    'https://one.example:8443/',
    'http://one.example/',
    'https://one.example',
    'https://ONE.example/1',
    'https://one.example/a/../b',
    'https://one.example/a/%2e%2e/b',
    'https://one.example/a#b',
    'https://one.example/a#',
    'https://one.example\\1',
    'https://one.example/a\\b',
    'https://one.example/ a',
    'https://one.example/a\n',
    ' https://one.example/a',
    'https://two.example/other/1',
    'https://two.example/lists',
    'https://two.example/lists/../other',
    'https://two.example/lists/%2e%2e/other',
    'https://two.example/lists/..%2fother',
    'https://two.example/lists/..%5Cother',
    'https://three.example/list',
    'https://three.example/list?id=2',
    'https://three.example/list?id=1&id=2',
    'https://three.example/list?id=1/',
    'file:///etc/passwd',
    'data:application/statuslist+jwt,x',
    '//one.example/1',
    '',
  ])('C1: is not allowed: %j', (uri) => {
    expect(filter(uri)).toBe(false);
  });

  test.each([
    'https://one.example/',
    'https://one.example/any/list?at=1',
    'https://two.example/lists/',
    'https://two.example/lists/1',
    'https://two.example/lists/a%20b',
    'https://three.example/list?id=1',
  ])('is allowed: %s', (uri) => {
    expect(filter(uri)).toBe(true);
  });

  it('may be http on loopback where that is chosen', () => {
    expect(allow(['http://127.0.0.1:1/'], true)('http://127.0.0.1:1/x')).toBe(true);
    expect(() => allow(['http://issuer.example/'], true)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });
});
