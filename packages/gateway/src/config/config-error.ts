/** A configuration that cannot be used, with every reason and its place in the file. */
import { WatchwordError } from '@watchword/core';

/** One thing that is wrong. */
export interface ConfigIssue {
  /** Where in the file, from 1; undefined when the configuration did not come from a file. */
  readonly line: number | undefined;
  readonly column: number | undefined;
  /** The setting, as `routes[2].path`; empty: the file as a whole. */
  readonly path: string;
  readonly reason: string;
}

/** Thrown for a wrong or unreadable configuration: start-up stops (E13). The message has one line per issue. */
export class ConfigError extends WatchwordError {
  readonly fileName: string;
  readonly issues: readonly ConfigIssue[];

  constructor(fileName: string, issues: readonly ConfigIssue[], cause?: unknown) {
    super(
      'config_invalid',
      issues.map((issue) => describe(fileName, issue)).join('\n'),
      cause === undefined ? undefined : { cause },
    );
    this.fileName = fileName;
    this.issues = issues;
  }
}

/** `['routes', 2, 'path']` as `routes[2].path`. */
export function formatPath(path: readonly (string | number)[]): string {
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`)).join('');
}

function describe(fileName: string, { line, column, path, reason }: ConfigIssue): string {
  const place = line === undefined ? fileName : `${fileName}:${line}:${column}`;
  return path === '' ? `${place}: ${reason}` : `${place}: ${path}: ${reason}`;
}
