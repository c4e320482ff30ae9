/** Runs the code of a README, so that it stays true. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { vi } from 'vitest';

/**
 * Runs the first `js` block of `README.md` in `folder` and waits until it has printed as much as its comments say.
 * @returns what it printed, and what the comments say
 */
export async function runReadmeExample(folder: URL): Promise<{ printed: string[]; promised: string[] }> {
  const readme = await readFile(new URL('README.md', folder), 'utf8');
  const code = /```js\n(.*?)```/s.exec(readme)?.[1] ?? '';
  const promised = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => text!);
  const printed: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((value) => void printed.push(String(value)));
  // Inside the package, so that imports are found as a reader's would be.
  const place = await mkdtemp(join(fileURLToPath(folder), 'test', '.readme-'));
  try {
    const file = join(place, 'example.mjs');
    await writeFile(file, code);
    await import(pathToFileURL(file).href);
    await vi.waitUntil(() => printed.length >= promised.length, { timeout: 10_000 });
  } finally {
    log.mockRestore();
    await rm(place, { recursive: true });
  }
  return { printed, promised };
}
