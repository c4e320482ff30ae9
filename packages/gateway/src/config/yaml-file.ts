/** Reads YAML so that every setting can be found again in its file. */
import { readFileSync } from 'node:fs';
import { type Document, LineCounter, type Node, isScalar, parseDocument, visit } from 'yaml';
import { ConfigError } from './config-error.ts';
import { type Locator, createLocator } from './locate.ts';

/** What a file says, and where. */
export interface YamlFile {
  readonly value: unknown;
  readonly locator: Locator;
}

/** Reads a file. @throws ConfigError with file, line and reason */
export function readYamlFile(path: string): YamlFile {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (cause) {
    const code = cause instanceof TypeError ? 'not UTF-8' : (cause as NodeJS.ErrnoException).code;
    throw new ConfigError(path, [{ line: undefined, column: undefined, path: '', reason: `cannot be read (${code})` }], cause);
  }
  return parseYaml(text, path);
}

/** Reads the text of a file. @throws ConfigError with file, line and reason */
export function parseYaml(text: string, fileName: string): YamlFile {
  const lines = new LineCounter();
  // Duplicate keys are errors: two readers of one file would otherwise see two policies.
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true, prettyErrors: false });
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) {
    const { line, col } = lines.linePos(problem.pos[0]);
    throw new ConfigError(fileName, [{ line, column: col, path: '', reason: problem.message }]);
  }
  const locator = createLocator(fileName, document, lines);
  return { value: toPlain(document, fileName, lines), locator };
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
