/** From YAML to a configuration, or to every reason why not. */
import { readFileSync } from 'node:fs';
import { type Document, LineCounter, type Node, isScalar, parseDocument, visit } from 'yaml';
import * as v from 'valibot';
import { checkConfig } from './check.ts';
import { ConfigError } from './config-error.ts';
import type { GatewayConfig } from './config.ts';
import { type ConfigPath, type Locator, NOWHERE, createLocator, rememberLocator } from './locate.ts';
import { CONFIG_SCHEMA } from './schema.ts';

/** Reads and validates a configuration file. @throws ConfigError with file, line and reason */
export function loadConfig(path: string): GatewayConfig {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'not UTF-8';
    throw new ConfigError(path, [{ line: undefined, column: undefined, path: '', reason: `cannot be read (${code})` }], cause);
  }
  return parseConfig(text, path);
}

/** Validates the text of a configuration file. @throws ConfigError with file, line and reason */
export function parseConfig(text: string, fileName: string): GatewayConfig {
  const lines = new LineCounter();
  // Duplicate keys are errors: two readers of one file would otherwise see two policies.
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true, prettyErrors: false });
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) {
    const { line, col } = lines.linePos(problem.pos[0]);
    throw new ConfigError(fileName, [{ line, column: col, path: '', reason: problem.message }]);
  }
  const locator = createLocator(fileName, document, lines);
  return validate(toPlain(document, fileName, lines), locator);
}

/** Validates a configuration that is already an object. @throws ConfigError with the setting and the reason */
export function createConfig(input: unknown): GatewayConfig {
  return validate(input, NOWHERE);
}

function toPlain(document: Document.Parsed, fileName: string, lines: LineCounter): unknown {
  const refuse = (node: Node | null, reason: string, cause?: unknown): never => {
    const { line, col } = lines.linePos(node?.range?.[0] ?? 0);
    throw new ConfigError(fileName, [{ line, column: col, path: '', reason }], cause);
  };
  visit(document, {
    Pair(_position, { key }) {
      // Names that mean something else to an object (B10).
      if (isScalar(key) && UNSAFE_NAMES.has(String(key.value))) refuse(key, `${String(key.value)} is not a setting`);
    },
    Alias(_position, alias) {
      if (alias.resolve(document) === undefined) refuse(alias, `the alias *${alias.source} has no anchor`);
    },
  });
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    return refuse(null, 'has too many aliases', cause);
  }
}

const UNSAFE_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

function validate(input: unknown, locator: Locator): GatewayConfig {
  const result = v.safeParse(CONFIG_SCHEMA, input);
  if (!result.success)
    throw new ConfigError(
      locator.fileName,
      result.issues.map((issue) => toIssue(issue, locator)),
    );
  const findings = checkConfig(result.output);
  if (findings.length > 0) {
    throw new ConfigError(
      locator.fileName,
      findings.map(({ path, reason }) => locator.issue(path, reason)),
    );
  }
  const config = freeze(result.output);
  rememberLocator(config, locator);
  return config;
}

function toIssue(issue: v.BaseIssue<unknown>, locator: Locator): ReturnType<Locator['issue']> {
  const path: ConfigPath = (issue.path ?? []).map((item) => item.key as string | number);
  const unknown = issue.type === 'strict_object' && issue.expected === 'never';
  const aboutKey = unknown || issue.path?.at(-1)?.origin === 'key';
  return locator.issue(path, reasonOf(issue, unknown), aboutKey ? 'key' : 'value');
}

// Only our own words: what was received could be a secret in the wrong place (invariant 5).
function reasonOf(issue: v.BaseIssue<unknown>, unknown: boolean): string {
  if (unknown) return 'is not a setting';
  if (issue.received === 'undefined') return 'is required';
  if (!issue.message.startsWith('Invalid ')) return issue.message;
  return `must be ${EXPECTED[issue.type] ?? issue.expected}`;
}

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  record: 'a map of names',
  strict_object: 'a map of settings',
};

function freeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) freeze(member);
  return Object.freeze(value);
}
