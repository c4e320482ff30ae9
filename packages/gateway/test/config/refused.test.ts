import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigError, loadConfig, parseConfig } from '../../src/index.ts';
import { GOOD, MUTATIONS } from '../support/config-mutations.ts';
import { temporaryDirectory } from '../support/identity-provider.ts';

describe('E13: every wrong configuration stops start-up and says where', () => {
  test('the one they are made from is good', () => {
    expect(parseConfig(GOOD, 'good.yaml').routes).toHaveLength(2);
    expect(MUTATIONS.length).toBeGreaterThanOrEqual(40);
  });

  for (const [name, from, to, place, reason] of MUTATIONS) {
    test(`E13: ${name}`, () => {
      const text = GOOD.replace(from, () => to);
      expect(text).not.toBe(GOOD);
      const error = refusal(text);
      expect(error.code).toBe('config_invalid');
      expect(error.message).toContain(`gate.yaml:${place}`);
      expect(error.message).toContain(reason);
      expect(error.issues[0]!.line).toBeGreaterThan(0);
    });
  }

  for (const text of ['', '\n\n', '# nothing\n', 'null', '[]', '42', 'just words', '"']) {
    test(`E13: ${JSON.stringify(text)} is no configuration`, () => {
      expect(refusal(text).message).toMatch(/^gate\.yaml:\d+:\d+: /);
    });
  }

  test('E13: all reasons are given at once', () => {
    const text = GOOD.replace('port: 8080', 'port: x').replace('[ES256]', '[none]').replace('public: true', 'public: maybe');
    expect(refusal(text).issues.map((issue) => issue.line)).toEqual([3, 10, 26]);
  });

  test('E12: what stands in the file is not quoted', () => {
    for (const text of [
      GOOD.replace('port: 8080', 'port: hunter2'),
      GOOD.replace('url: http://', 'url: http://user:hunter2@'),
      GOOD.replace('public: true', 'public: hunter2'),
      `${GOOD}revocation: {log: {redis: "redis://:hunter2@127.0.0.1"}}\n`,
      `${GOOD}revocation: {log: {redis: "redis://127.0.0.1/0?password=hunter2"}}\n`,
    ]) {
      expect(refusal(text).message).not.toContain('hunter2');
    }
  });

  test('E13: a bomb of aliases', () => {
    const bomb = `a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n`;
    expect(refusal(bomb).message).toContain('gate.yaml:1:1');
  });

  test('E13: a file that is missing, a directory, or not UTF-8', () => {
    const directory = temporaryDirectory();
    expect(() => loadConfig(join(directory, 'none.yaml'))).toThrow(/none\.yaml: cannot be read \(ENOENT\)/);
    expect(() => loadConfig(directory)).toThrow(/cannot be read \(EISDIR\)/);
    const file = join(directory, 'latin.yaml');
    writeFileSync(file, Buffer.from([0x61, 0xff]));
    expect(() => loadConfig(file)).toThrow(/latin\.yaml: cannot be read/);
  });
});

function refusal(text: string): ConfigError {
  try {
    parseConfig(text, 'gate.yaml');
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  throw new Error('The configuration was accepted');
}
