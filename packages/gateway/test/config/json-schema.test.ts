import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type JsonSchema, configJsonSchemaText, createConfig, createConfigJsonSchema } from '../../src/index.ts';
import { GOOD, MUTATIONS } from '../support/config-mutations.ts';

const schema = createConfigJsonSchema();
const accepts = new Ajv({ strict: true, strictRequired: false, allErrors: true }).compile(schema);

// What JSON Schema cannot say: rules between settings, and what only a program can tell about a text.
const BEYOND: readonly RegExp[] = [
  /goes with|needs exactly one|needs a token|must differ|is listed twice|has the path and a method|differs from routes/,
  /is not one of the upstreams|a public route|must be shorter|must be https|must name exactly one|needs the section/,
  /must be an? (?:http: or https: URL|origin|redis: or rediss: URL)|is seen by one thread|must not be below|must be at least 16/,
  /must be an http|without a password|must be a redis|is required without|needs at least one|is that of another|must be a port for all|must be an IP/,
];

test('the file that the package ships is current (after a change: vitest run -u on this file)', async () => {
  await expect(configJsonSchemaText()).toMatchFileSnapshot('../../watchword.schema.json');
});

describe('the schema refuses what the parser refuses', () => {
  for (const [name, from, to, , reason] of MUTATIONS) {
    const text = GOOD.replace(from, () => to);
    const value = plain(text);
    // What YAML itself refuses never gets to a schema.
    if (value === undefined || BEYOND.some((rule) => rule.test(reason))) continue;
    test(name, () => {
      expect(accepts(value)).toBe(false);
    });
  }

  test('most of them', () => {
    const said = MUTATIONS.filter(([, , , , reason]) => !BEYOND.some((rule) => rule.test(reason)));
    expect(said.length).toBeGreaterThan(MUTATIONS.length / 2);
  });
});

describe('the schema accepts what the parser accepts', () => {
  const good = plain(GOOD) as Record<string, unknown>;
  const VARIANTS: [name: string, changes: object][] = [
    ['the good one', {}],
    ['IPv6 host', { routes: [{ path: '/', upstream: 'orders', host: '[2001:DB8::1]' }] }],
    ['root and everything below', { routes: [{ path: '/*', upstream: 'orders' }] }],
    ['a trailing slash', { routes: [{ path: '/a/b/', upstream: 'orders', public: true }] }],
    ['several targets over gRPC', { upstreams: { orders: { targets: ['http://a', 'https://b'], protocol: 'grpc' } } }],
    ['origin with a slash, in capitals', { upstreams: { orders: { url: 'HTTP://A.example:80/' } } }],
    ['several audiences, tokens without a type', { issuers: [issuer({ audience: ['a', 'b'], tokenTypes: ['at+jwt', null] })] }],
    ['revocation in Redis', { revocation: { log: { redis: 'REDISS://h:1/0', prefix: 'p' } } }],
    ['defaults written out', { listen: {}, control: {}, limits: {}, log: {}, cache: {} }],
  ];
  for (const [name, changes] of VARIANTS) {
    test(name, () => {
      const value = { ...good, ...changes };
      createConfig(value);
      expect(accepts(value), JSON.stringify(accepts.errors)).toBe(true);
    });
  }

  test('all defaults that it names', () => {
    for (const [path, member] of settings(schema)) {
      if (member.default === undefined) continue;
      const own = new Ajv({ strict: false }).compile(member);
      expect(own(member.default), path).toBe(true);
    }
  });
});

test('every setting says what it means', () => {
  const silent = [...settings(schema)].filter(([path, member]) => !path.endsWith('*') && member.description === undefined);
  expect(silent.map(([path]) => path)).toEqual([]);
});

test('E12: the file holds no address or path of the machine that wrote it', () => {
  const text = readFileSync(new URL('../../watchword.schema.json', import.meta.url), 'utf8');
  expect(text).not.toMatch(/\/(?:tmp|home|root|work)\//);
});

function issuer(changes: object): object {
  return { issuer: 'https://idp.example', audience: 'a', algorithms: ['ES256'], jwksUrl: 'https://idp.example/jwks', ...changes };
}

function plain(text: string): unknown {
  try {
    return parse(text, { uniqueKeys: true, strict: true, logLevel: 'error' });
  } catch {
    return undefined;
  }
}

function* settings(node: JsonSchema, path = ''): Generator<[string, JsonSchema]> {
  for (const [name, member] of Object.entries((node.properties ?? {}) as Record<string, JsonSchema>)) {
    const at = path === '' ? name : `${path}.${name}`;
    yield [at, member];
    yield* settings(member, at);
  }
  if (isSchema(node.items)) yield* settings(node.items, `${path}[]`);
  if (isSchema(node.additionalProperties)) yield* settings(node.additionalProperties, `${path}.*`);
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null;
}
