/** Looks who is calling at every kind of turn that a handler can take. */
import { EventEmitter } from 'node:events';
import { Readable, Transform } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { currentIdentityOrNobody, toWatchwordError } from '@watchword/core';

/** Whom each stage saw, by its name; stages that come several times have each subject once. */
export type Sightings = Record<string, string[]>;

/** The subject of the caller, `nobody`, or the code of the error. */
export function whoIsHere(): string {
  try {
    return currentIdentityOrNobody()?.subject ?? 'nobody';
  } catch (thrown) {
    return toWatchwordError(thrown).code;
  }
}

/** Reads `body` to its end and reports who was seen where, and how many bytes there were. */
export async function observeStages(body: Readable): Promise<{ seen: Sightings; bytes: number }> {
  const seen: Sightings = {};
  const look = (stage: string): void => void (seen[stage] = [...new Set([...(seen[stage] ?? []), whoIsHere()])]);
  look('entry');
  const bytes = await readBody(body, look);
  look('after the body');
  await turns(look);
  return { seen, bytes };
}

async function readBody(body: Readable, look: (stage: string) => void): Promise<number> {
  let bytes = 0;
  body.on('data', (chunk: Buffer) => {
    look('data event');
    bytes += chunk.length;
  });
  body.once('end', () => look('end event'));
  const transform = new Transform({
    transform(chunk, _encoding, done) {
      look('transform');
      setImmediate(() => done(null, chunk));
    },
  });
  transform.on('data', () => look('data event of a transform'));
  await finished(body.pipe(transform));
  return bytes;
}

async function turns(look: (stage: string) => void): Promise<void> {
  await Promise.resolve();
  look('await');
  await new Promise<void>((resolve) => process.nextTick(() => resolve(look('nextTick'))));
  await new Promise<void>((resolve) => queueMicrotask(() => resolve(look('microtask'))));
  await new Promise<void>((resolve) => setImmediate(() => resolve(look('immediate'))));
  await new Promise<void>((resolve) => setTimeout(() => resolve(look('timer')), 2));
  await pause(1);
  look('awaited timer');
  const emitter = new EventEmitter();
  emitter.once('event', () => look('event emitter'));
  await new Promise<void>((resolve) => setTimeout(() => resolve(void emitter.emit('event')), 1));
  for await (const _ of Readable.from(['a', 'b'])) look('async iterator');
}
