/** The thread that owns the file of a SQLite queue, so that no event loop waits for a disk. */
import { parentPort, workerData } from 'node:worker_threads';
import type { EngineSettings } from './context.ts';
import { QueueEngine } from './engine.ts';
import type { BatchAnswer } from './operations.ts';
import { type PackedBatch, packAnswers, spareOf, unpack } from './packing.ts';

const settings = workerData as EngineSettings;
let engine: QueueEngine | undefined;

parentPort!.on('message', (batch: PackedBatch | 'close') => {
  if (batch === 'close') {
    engine?.close();
    parentPort!.close();
    return;
  }
  const answered = answer(batch);
  const spare = spareOf(batch);
  if (spare === undefined) parentPort!.postMessage(answered, []);
  else parentPort!.postMessage({ ...answered, spare } satisfies BatchAnswer, [spare]);
});

function answer(batch: PackedBatch): BatchAnswer {
  try {
    if (engine?.isInPlace() === false) closeEngine();
    engine ??= new QueueEngine(settings);
    return { answers: packAnswers(engine.run(unpack(batch))) };
  } catch (error) {
    // After an error of the disk nobody knows what this connection believes: the next one reads the file anew.
    closeEngine();
    return { failure: error instanceof Error ? error.message : 'unknown' };
  }
}

function closeEngine(): void {
  try {
    engine?.close();
  } catch {}
  engine = undefined;
}
