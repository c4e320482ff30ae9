/** Files that a configuration names and nobody can read, found without understanding the configuration. */
import { constants, accessSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { ConfigIssue } from './config-error.ts';
import type { ConfigPath, Locator } from './locate.ts';

/** One issue for each: all settings whose names end in `File` name one. For a configuration that is wrong elsewhere, so that everything is said at once. */
export function unreadableFiles(value: unknown, locator: Locator): ConfigIssue[] {
  return [...filesIn(value, [])].flatMap(({ path, file }) => {
    const reason = reasonAgainst(resolve(dirname(locator.fileName), file));
    return reason === undefined ? [] : [locator.issue(path, `cannot be read (${reason})`)];
  });
}

function* filesIn(
  value: unknown,
  path: ConfigPath,
  seen = new Set<object>(),
): Generator<{ readonly path: ConfigPath; readonly file: string }> {
  // With aliases a part of YAML may be part of itself.
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  for (const [name, member] of Object.entries(value)) {
    const place = [...path, Array.isArray(value) ? Number(name) : name];
    if (typeof member === 'string' && name.endsWith('File')) yield { path: place, file: member };
    else yield* filesIn(member, place, seen);
  }
}

function reasonAgainst(file: string): string | undefined {
  try {
    if (statSync(file).isDirectory()) return 'EISDIR';
    accessSync(file, constants.R_OK);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'error';
  }
}
