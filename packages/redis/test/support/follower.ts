/** A process that has cached tokens, and says when it refuses which one. Runs on the built packages. */
import process from 'node:process';
import {
  createCachedVerifier,
  createLocalKeys,
  createRevocableVerifier,
  createRevocations,
  createVerifier,
} from '@watchword/core';
import { createRedisRevocationLog } from '@watchword/redis';

/** What it is told. */
export interface FollowerTask {
  readonly server: string;
  readonly issuer: string;
  readonly jwks: unknown;
  readonly tokens: readonly string[];
}

/** What it answers: at first that all tokens are accepted, then which one is not accepted any more, and since when (Unix ms). */
export type FollowerAnswer = { readonly ready: true } | { readonly refused: number; readonly atMs: number };

process.once('message', (task: FollowerTask) => void follow(task));

async function follow({ server, issuer, jwks, tokens }: FollowerTask): Promise<void> {
  const revocations = createRevocations({ log: createRedisRevocationLog({ server }) });
  const keys = createLocalKeys({ issuer, algorithms: ['ES256'], jwks });
  const plain = createVerifier({ issuers: [{ issuer, audience: 'api', algorithms: ['ES256'], keys }] });
  const verifier = createCachedVerifier(createRevocableVerifier(plain, revocations));
  await revocations.ready();
  const accepted = new Map<number, string>();
  for (const [index, token] of tokens.entries()) {
    await verifier.verify(token);
    accepted.set(index, token);
  }
  const look = (): void => {
    for (const [index, token] of accepted) {
      if (verifier.recall(token) !== undefined) continue;
      accepted.delete(index);
      process.send!({ refused: index, atMs: performance.timeOrigin + performance.now() } satisfies FollowerAnswer);
    }
  };
  process.send!({ ready: true } satisfies FollowerAnswer);
  setInterval(look, 1);
}
