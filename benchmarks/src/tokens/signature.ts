/** Signatures over node:crypto alone: a neutral ground, no contender has signed what it verifies. */
import { type KeyObject, constants, createHmac, sign, verify } from 'node:crypto';
import { promisify } from 'node:util';
import type { BenchmarkAlgorithm } from './key-pair.ts';

/** Digest and parameters of `node:crypto` for one algorithm (RFC 7518 section 3.1, RFC 8037 section 3.1). */
const PARAMETERS = {
  RS256: { digest: 'sha256', padding: constants.RSA_PKCS1_PADDING },
  PS256: { digest: 'sha256', padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
  ES256: { digest: 'sha256', dsaEncoding: 'ieee-p1363' },
  EdDSA: { digest: null },
} as const;

const signAsync = promisify(sign);

/** Signs on the thread pool, so that many tokens use all cores. */
export async function createTokenSignature(input: string, key: KeyObject, algorithm: BenchmarkAlgorithm): Promise<Buffer> {
  const bytes = Buffer.from(input);
  if (algorithm === 'HS256') return createHmac('sha256', key).update(bytes).digest();
  const { digest, ...options } = PARAMETERS[algorithm];
  return signAsync(digest, bytes, { key, ...options });
}

/** The call that every verification contains: key and options are ready. `der`: the signature is not as JWS has it but in DER. */
export function createBareVerify(
  key: KeyObject,
  algorithm: BenchmarkAlgorithm,
  { der = false }: { readonly der?: boolean } = {},
): (input: Uint8Array, signature: Uint8Array) => boolean {
  if (algorithm === 'HS256') return (input, signature) => createHmac('sha256', key).update(input).digest().equals(signature);
  const { digest, ...options } = PARAMETERS[algorithm];
  const parameters = der ? key : { key, ...options };
  return (input, signature) => verify(digest, input, parameters, signature);
}
