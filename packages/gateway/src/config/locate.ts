/** Remembers where in its file each setting of a configuration stands. */
import { dirname } from 'node:path';
import { type Document, type LineCounter, isMap, isNode, isPair, isScalar, isSeq } from 'yaml';
import { ConfigError, type ConfigIssue, formatPath } from './config-error.ts';

/** Steps from the root to a setting. */
export type ConfigPath = readonly (string | number)[];

/** Finds places in one file. */
export interface Locator {
  readonly fileName: string;
  /** @param at `key` for the name of a setting, `value` for what it is set to */
  issue(path: ConfigPath, reason: string, at?: 'key' | 'value'): ConfigIssue;
}

/** For configurations that are plain objects. */
export const NOWHERE: Locator = {
  fileName: 'configuration',
  issue: (path, reason) => ({ line: undefined, column: undefined, path: formatPath(path), reason }),
};

/** Finds places in a parsed YAML document. */
export function createLocator(fileName: string, document: Document.Parsed, lines: LineCounter): Locator {
  return {
    fileName,
    issue(path, reason, at = 'value') {
      const { line, col } = lines.linePos(offsetOf(document, path, at));
      return { line, column: col, path: formatPath(path), reason };
    },
  };
}

// A setting that is missing is reported where it should have been: at the nearest parent that exists.
function offsetOf(document: Document.Parsed, path: ConfigPath, at: 'key' | 'value'): number {
  let offset = document.contents?.range[0] ?? 0;
  let node: unknown = document.contents;
  for (const [depth, key] of path.entries()) {
    const wantsKey = at === 'key' && depth === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(key));
      if (pair === undefined) break;
      if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset;
      if (wantsKey) break;
      node = pair.value;
    } else if (isSeq(node)) node = node.items[Number(key)];
    else break;
    if (isNode(node)) offset = node.range?.[0] ?? offset;
  }
  return offset;
}

const locators = new WeakMap<object, Locator>();

/** Ties a configuration to its file. */
export function rememberLocator(config: object, locator: Locator): void {
  locators.set(config, locator);
}

/** The file that a configuration came from; undefined: none. */
export function fileNameOf(config: object): string | undefined {
  const locator = locators.get(config) ?? NOWHERE;
  return locator === NOWHERE ? undefined : locator.fileName;
}

/** The directory that file names in a configuration are relative to: that of the file itself. */
export function baseDirectoryOf(config: object): string {
  const locator = locators.get(config) ?? NOWHERE;
  return locator === NOWHERE ? process.cwd() : dirname(locator.fileName);
}

/** An error about one setting that only shows when it is used, such as a file that cannot be read. */
export function configErrorAt(config: object, path: ConfigPath, reason: string, cause?: unknown): ConfigError {
  const locator = locators.get(config) ?? NOWHERE;
  return new ConfigError(locator.fileName, [locator.issue(path, reason)], cause);
}
