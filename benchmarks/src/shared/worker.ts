/** One thread: a verifier with a cache of its own and, perhaps, the table of all. */
import { subscribe } from 'node:diagnostics_channel';
import process from 'node:process';
import { parentPort, workerData } from 'node:worker_threads';
import {
  SIGNATURE_CHECK_CHANNEL,
  type SignatureChecks,
  type VerificationCache,
  createCachedVerifier,
  createLocalKeys,
  createSharedChecks,
  createVerifier,
  inlineChecks,
  openSharedTable,
} from '@watchword/core';
import { AUDIENCE, ISSUER } from '../tokens/claims.ts';
import type { ThreadResult, ThreadTask } from './contract.ts';

parentPort!.postMessage(await run(workerData as ThreadTask), []);

async function run(task: ThreadTask): Promise<ThreadResult> {
  const verifier = createThreadVerifier(task);
  for (const token of [...task.warmUp, ...task.warmUp]) await verifier.verify(token);
  let signatureChecks = 0;
  subscribe(SIGNATURE_CHECK_CHANNEL, () => (signatureChecks += 1));
  passGate(new Int32Array(task.gate));
  const before = process.threadCpuUsage();
  for (const index of task.order) {
    const token = task.tokens[index]!;
    if (verifier.recall(token) === undefined) await verifier.verify(token);
  }
  const { user, system } = process.threadCpuUsage(before);
  return { cpuMicros: user + system, signatureChecks };
}

function createThreadVerifier({ algorithm, material, handle, tokens, warmUp }: ThreadTask): VerificationCache {
  const key = { alg: algorithm as 'RS256', kid: material.kid, jwk: material.jwk as never };
  const keys = createLocalKeys({ issuer: ISSUER, keys: [key] });
  const checks: SignatureChecks = handle === undefined ? inlineChecks : createSharedChecks(openSharedTable(handle));
  const policy = { issuer: ISSUER, audience: AUDIENCE, algorithms: [key.alg], keys };
  const verifier = createVerifier({ issuers: [policy], checks });
  return createCachedVerifier(verifier, { maxEntries: tokens.length + warmUp.length });
}

function passGate(gate: Int32Array): void {
  Atomics.add(gate, 0, 1);
  Atomics.notify(gate, 0);
  Atomics.wait(gate, 1, 0);
}
