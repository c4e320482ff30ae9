/** Checks signatures in libuv's thread pool, all of them: for batches, whose caller waits for the last one and not for the first. */
import { verifySignature, verifySignatureLater } from './signature.ts';
import type { SignatureChecks } from './signature-checks.ts';

/**
 * For the option `checks` of a verifier. Whoever uses it bounds how many are under way; `verifyBatch` does. HMAC stays here: it is
 * cheaper.
 */
export const pooledChecks: SignatureChecks = {
  check: ({ signingInput, signature }, key) =>
    key.algorithm.kty === 'oct'
      ? verifySignature(signingInput, signature, key)
      : verifySignatureLater(signingInput, signature, key),
};
