/** A minter and what it makes, read back. */
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { type SigningKey, generateSigningKey } from '../../src/keys/signing-key.ts';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { type TxnMinter, type TxnMinterOptions, createTxnMinter } from '../../src/txn/mint.ts';
import { type TxnVerifierOptions, createTxnVerifier } from '../../src/txn/verify.ts';
import type { Verifier } from '../../src/verify/verifier.ts';
import { clock } from './tokens.ts';

export const DOMAIN = 'shop.internal';
export const signer: SigningKey = generateSigningKey();

export function minterOf(changes: Partial<TxnMinterOptions> = {}): TxnMinter {
  return createTxnMinter({ trustDomain: DOMAIN, key: signer, requestingWorkload: 'edge', clock, ...changes });
}

export function txnVerifierOf(changes: Partial<TxnVerifierOptions> = {}): Verifier {
  const keys = createLocalKeys({ issuer: DOMAIN, jwks: { keys: [signer.publicJwk()] }, algorithms: ['ES256'] });
  return createTxnVerifier({ trustDomain: DOMAIN, keys, clock, ...changes });
}

/** Header and claims of a compact token, by somebody else's reader. */
export function read(compact: string): { header: Record<string, unknown>; claims: Record<string, unknown> } {
  return { header: { ...decodeProtectedHeader(compact) }, claims: decodeJwt(compact) };
}
