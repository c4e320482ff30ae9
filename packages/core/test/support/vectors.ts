/** Third-party test vectors, which live beside the project's folder and not in it. */
import { existsSync, readFileSync } from 'node:fs';

const folder = new URL('../../../../../shared/vectors/', import.meta.url);

/** False where the vectors were not put beside the project: their tests are then skipped, by name. */
export const VECTORS_PRESENT: boolean = existsSync(folder);

/** Reads one file. */
export function readVectors<Content>(path: string): Content {
  return JSON.parse(readFileSync(new URL(path, folder), 'utf8')) as Content;
}
