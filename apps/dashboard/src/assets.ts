/** The files of the built page, in memory. */
import { readFileSync, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One file as it is sent. */
export interface Asset {
  readonly type: string;
  readonly body: Buffer;
  /** The name has a hash of the content: may be kept for ever. */
  readonly immutable: boolean;
}

/** Where the build puts the page. */
export const PAGE_DIRECTORY: string = fileURLToPath(new URL('../dist/page/', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Reads all files. Their paths begin with a slash. Empty when the page has not been built. */
export function readAssets(directory: string): ReadonlyMap<string, Asset> {
  return new Map(
    filesOf(directory).map((path) => {
      const type = TYPES[extname(path)] ?? 'application/octet-stream';
      return [`/${path}`, { type, body: readFileSync(join(directory, path)), immutable: path.startsWith('assets/') }];
    }),
  );
}

function filesOf(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return entries.map(({ parentPath, name }) => join(parentPath, name).slice(join(directory, '/').length));
  } catch {
    return [];
  }
}
