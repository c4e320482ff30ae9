/** A thread that checks signatures, a chunk at a time. It knows no tokens, no policy and no time. */
import { parentPort } from 'node:worker_threads';
import { type CheckedChunk, NO, NO_ANSWER, type PackedChunk, YES, unpackChunk } from './check-chunk.ts';
import { type PreparedCheck, runCheck } from './signature.ts';

parentPort!.on('message', (chunk: PackedChunk) => {
  const answers = Uint8Array.from(unpackChunk(chunk), answer);
  parentPort!.postMessage({ number: chunk.number, answers } satisfies CheckedChunk, []);
});

function answer(check: PreparedCheck): number {
  try {
    return runCheck(check) === true ? YES : NO;
  } catch {
    return NO_ANSWER;
  }
}
