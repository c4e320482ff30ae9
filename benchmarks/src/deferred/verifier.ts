/** The process that verifies: what a deferred request does without when it is accepted. */
import { type Verifier, createLocalKeys, createVerifier } from '@watchword/core';
import { serve } from '../process/worker.ts';
import { AUDIENCE, ISSUER } from '../tokens/claims.ts';
import { ReceivedTokens } from '../tokens/token-file.ts';
import { timed } from './timed.ts';
import type { Preparation, Turn } from './work.ts';

let tokens: ReceivedTokens;
let verifier: Verifier;

serve({
  prepare({ tokenFile, kid, pem }: Preparation): void {
    tokens = new ReceivedTokens(tokenFile);
    const keys = createLocalKeys({ issuer: ISSUER, keys: [{ alg: 'ES256', kid, pem }] });
    verifier = createVerifier({ issuers: [{ issuer: ISSUER, audience: AUDIENCE, algorithms: ['ES256'], keys }] });
  },
  turn: (): Promise<Turn> =>
    timed(tokens.count, async () => {
      for (let index = 0; index < tokens.count; index += 1) await verifier.verify(tokens.text(index));
    }),
});
