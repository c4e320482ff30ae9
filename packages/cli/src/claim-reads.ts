/** The records of what services have read, from files. */
import { readFileSync } from 'node:fs';

/** The reads of several services, added up. */
export interface RecordedReads {
  readonly services: readonly string[];
  /** Claim name to how often it was read. */
  readonly reads: Readonly<Record<string, number>>;
}

/** Reads files that hold the JSON of `ClaimReads`. @throws Error naming the file and what is wrong with it */
export function readClaimReads(files: readonly string[]): RecordedReads {
  const services: string[] = [];
  const reads = new Map<string, number>();
  for (const file of files) {
    const record = readRecord(file);
    services.push(record.service);
    for (const [name, count] of Object.entries(record.reads)) reads.set(name, (reads.get(name) ?? 0) + count);
  }
  return { services, reads: Object.fromEntries(reads) };
}

interface ReadsFile {
  readonly service: string;
  readonly reads: Readonly<Record<string, number>>;
}

function readRecord(file: string): ReadsFile {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new Error(`${file}: ${reasonOf(cause as NodeJS.ErrnoException)}`, { cause });
  }
  if (!isRecord(value))
    throw new Error(`${file}: is not a record of ClaimReads: {"version": 1, "service": ..., "reads": {name: count}}`);
  return value;
}

function reasonOf({ code }: NodeJS.ErrnoException): string {
  return code === undefined ? 'is not JSON' : `cannot be read (${code})`;
}

function isRecord(value: unknown): value is ReadsFile {
  const { version, service, reads } = (value ?? {}) as Record<string, unknown>;
  if (version !== 1 || typeof service !== 'string' || typeof reads !== 'object' || reads === null) return false;
  return Object.values(reads).every((count) => Number.isSafeInteger(count) && (count as number) >= 0);
}
