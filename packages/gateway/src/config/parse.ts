/** From YAML to a configuration, or to every reason why not. */
import * as v from 'valibot';
import { checkConfig } from './check.ts';
import { ConfigError, type ConfigIssue } from './config-error.ts';
import type { GatewayConfig } from './config.ts';
import { type ConfigPath, type Locator, NOWHERE, rememberLocator } from './locate.ts';
import { CONFIG_SCHEMA } from './schema.ts';
import { unreadableFiles } from './unreadable-files.ts';
import { parseYaml, readYamlFile } from './yaml-file.ts';

/** Reads and validates a configuration file. @throws ConfigError with file, line and reason */
export function loadConfig(path: string): GatewayConfig {
  const { value, locator } = readYamlFile(path);
  try {
    return validate(value, locator);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(path, [...error.issues, ...unreadableFiles(value, locator)]);
  }
}

/** Validates the text of a configuration file. @throws ConfigError with file, line and reason */
export function parseConfig(text: string, fileName: string): GatewayConfig {
  const { value, locator } = parseYaml(text, fileName);
  return validate(value, locator);
}

/** Validates a configuration that is already an object. @throws ConfigError with the setting and the reason */
export function createConfig(input: unknown): GatewayConfig {
  return validate(input, NOWHERE);
}

function validate(input: unknown, locator: Locator): GatewayConfig {
  const result = v.safeParse(CONFIG_SCHEMA, input);
  if (!result.success)
    throw new ConfigError(locator.fileName, firstOfEach(result.issues.map((issue) => toIssue(issue, locator))));
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

// One value may break several rules of its form: the first says enough.
function firstOfEach(issues: readonly ConfigIssue[]): ConfigIssue[] {
  const seen = new Set<string>();
  return issues.filter(({ path }) => !seen.has(path) && seen.add(path));
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
