/**
 * What a process did to its disk, as the kernel saw it (strace): writes, truncations and syncs in their order, and between them what the
 * process has told the world. From it, what a disk may hold when the power fails at any of these moments.
 */
import { basename } from 'node:path';

/** One thing that was done. */
export type DiskStep =
  | { readonly kind: 'write'; readonly file: string; readonly at: number; readonly data: Buffer }
  | { readonly kind: 'cut'; readonly file: string; readonly length: number }
  /** All that was written before it began is on the disk. */
  | { readonly kind: 'synced'; readonly file: string; readonly begun: number }
  | { readonly kind: 'told'; readonly text: string };

/** Options of strace by which its output can be read here. */
export const STRACE_OPTIONS: readonly string[] = [
  '-f',
  '-y',
  '-xx',
  '-s',
  '10000000',
  '-e',
  'trace=pwrite64,write,ftruncate,fsync,fdatasync',
];

const CALL = /^(\d+) +(\w+)\(([^]*)$/;
const RESUMED = /^(\d+) +<\.\.\. (\w+) resumed>/;

/** Reads the output of strace. @param told the descriptor by which the process tells the world */
export function readTrace(lines: Iterable<string>, told: number): DiskStep[] {
  const steps: DiskStep[] = [];
  // By thread: a sync that has begun.
  const begun = new Map<string, { readonly file: string; readonly begun: number }>();
  for (const line of lines) {
    const resumed = RESUMED.exec(line);
    if (resumed !== null) {
      const sync = begun.get(resumed[1]!);
      begun.delete(resumed[1]!);
      if (sync !== undefined && line.endsWith('= 0')) steps.push({ kind: 'synced', ...sync });
      continue;
    }
    const [, thread, call, rest] = CALL.exec(line) ?? [];
    const [, descriptor, path] = /^(\d+)<([^>]*)>/.exec(rest ?? '') ?? [];
    if (descriptor === undefined) continue;
    const file = basename(decode(path!));
    const now = steps.length;
    if (call === 'fsync' || call === 'fdatasync') {
      if (rest!.endsWith('<unfinished ...>')) begun.set(thread!, { file, begun: now });
      else if (rest!.endsWith('= 0')) steps.push({ kind: 'synced', file, begun: now });
    } else if (call === 'ftruncate') {
      steps.push({ kind: 'cut', file, length: Number(/, (\d+)/.exec(rest!)![1]) });
    } else {
      const [, text, at] = /"((?:\\x[0-9a-f]{2})*)", \d+(?:, (\d+))?/.exec(rest!) ?? [];
      const data = bytesOf(text!);
      if (call === 'pwrite64') steps.push({ kind: 'write', file, at: Number(at), data });
      else if (Number(descriptor) === told) steps.push({ kind: 'told', text: data.toString() });
    }
  }
  return steps;
}

/** What of the writes that were not synced is on the disk: asked for each sector of each. */
export type IsWritten = () => boolean;

/** What `file` may hold when the power fails after so many steps. */
export function diskAfter(steps: readonly DiskStep[], count: number, file: string, isWritten: IsWritten): Buffer {
  const own = steps.slice(0, count).map((step) => ('file' in step && step.file === file ? step : undefined));
  const durable = own.reduce((latest, step) => (step?.kind === 'synced' ? Math.max(latest, step.begun) : latest), 0);
  const image = new Image();
  for (const [index, step] of own.entries()) {
    if (step?.kind === 'write') image.write(step.at, step.data, index < durable ? undefined : isWritten);
    else if (step?.kind === 'cut' && (index < durable || isWritten())) image.cut(step.length);
  }
  return image.bytes;
}

const SECTOR = 512;

class Image {
  #bytes: Buffer = Buffer.alloc(SECTOR);
  #length = 0;

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  write(at: number, data: Buffer, isWritten: IsWritten = () => true): void {
    for (let from = 0; from < data.length; from += SECTOR) {
      if (!isWritten()) continue;
      const part = data.subarray(from, from + SECTOR);
      this.#grow(at + from + part.length);
      part.copy(this.#bytes, at + from);
    }
  }

  cut(length: number): void {
    this.#grow(length);
    this.#bytes.fill(0, length);
    this.#length = length;
  }

  #grow(length: number): void {
    if (length > this.#bytes.length) {
      const larger = Buffer.alloc(2 * length);
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    this.#length = Math.max(this.#length, length);
  }
}

function bytesOf(escaped: string): Buffer {
  return Buffer.from(escaped.replaceAll('\\x', ''), 'hex');
}

// With -xx, paths are written like data.
function decode(path: string): string {
  return path.includes('\\x') ? bytesOf(path).toString() : path;
}
