/** Measures what a remembered verdict weighs, in a process that does nothing else. */
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createCachedVerifier, createVerifier } from '@watchword/core';
import { answer } from './child.ts';
import { SAMPLE_AUDIENCE, createSampleIssuers } from './sample-tokens.ts';

answer({
  async weigh(tokens: number) {
    const { issuer, keys, sign } = createSampleIssuers().find(({ algorithm }) => algorithm === 'HS256')!;
    const verifier = createVerifier({ issuers: [{ issuer, audience: SAMPLE_AUDIENCE, algorithms: ['HS256'], keys }] });
    const cache = createCachedVerifier(verifier, { maxEntries: tokens });
    await cache.verify(sign('user-first'));
    const before = bytesInUse();
    for (let index = 1; index < tokens; index += 1) await cache.verify(sign(`user-${index}`));
    return (bytesInUse() - before) / cache.stats().size;
  },
});

function bytesInUse(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
