/** The steps whose cost is measured in a busy process, one of them in each request. */
import {
  type CachedVerifier,
  type SignatureChecks,
  type TxnMinter,
  type VerifiedToken,
  type Verifier,
  createCachedVerifier,
  createSharedChecks,
  createSharedTable,
  createTxnMinter,
  createVerifier,
  generateSigningKey,
} from '@watchword/core';
import { SAMPLE_AUDIENCE, type SampleIssuer, createSampleIssuers } from './sample-tokens.ts';

/** One step: what it needs is made outside of the measurement, what is measured is `run`. */
export interface Probe {
  readonly name: string;
  /** @returns the step, ready to go */
  prepare(): () => unknown;
}

/** How many tokens the caches hold from which hits are measured. */
export const CACHE_SIZES: readonly number[] = [1000, 100_000];

/** Distinct tokens of each algorithm; none is verified twice in a row. */
const TOKENS_PER_ALGORITHM = 64;

/** Makes the steps. Takes a second or two: caches are filled, tokens signed. */
export async function createProbes(cacheSizes: readonly number[]): Promise<Probe[]> {
  const issuers = createSampleIssuers();
  const hmac = issuers.find(({ algorithm }) => algorithm === 'HS256')!;
  const cached = await Promise.all(cacheSizes.map((size) => hitProbe(hmac, size)));
  const perIssuer = await Promise.all(issuers.map(probesOf));
  const es256 = issuers.find(({ algorithm }) => algorithm === 'ES256')!;
  return [...cached, ...perIssuer.flat(), storeProbe(hmac), await sharedProbe(es256)];
}

async function probesOf(issuer: SampleIssuer): Promise<Probe[]> {
  const verifier = verifierOf(issuer);
  const tokens = Array.from({ length: TOKENS_PER_ALGORITHM }, (_, index) => issuer.sign(`user-${index}`));
  const subject = await verifier.verify(tokens[0]!);
  const verify: Probe = { name: `verify ${issuer.algorithm}`, prepare: verifying(verifier, tokens) };
  const text = JSON.stringify({ txn: 'x'.repeat(200) });
  const sign: Probe = { name: `sign ${issuer.algorithm}`, prepare: () => () => issuer.signOnly(text) };
  if (issuer.signingKey === undefined) return [verify, sign];
  const minter = createTxnMinter({ trustDomain: 'shop.example', requestingWorkload: 'calibration', key: issuer.signingKey });
  return [verify, sign, { name: `mint ${issuer.algorithm}`, prepare: minting(minter, subject) }];
}

function verifierOf({ issuer, keys, algorithm }: SampleIssuer, checks?: SignatureChecks): Verifier {
  return createVerifier({
    issuers: [{ issuer, audience: SAMPLE_AUDIENCE, algorithms: [algorithm], keys }],
    ...(checks === undefined ? {} : { checks }),
  });
}

function verifying(verifier: Verifier, tokens: readonly string[]): Probe['prepare'] {
  let turn = 0;
  return () => {
    const token = fresh(tokens[(turn += 1) % tokens.length]!);
    return () => verifier.verify(token);
  };
}

function minting(minter: TxnMinter, subject: VerifiedToken): Probe['prepare'] {
  return () => () => minter.mint({ subject, reuse: false });
}

async function hitProbe(issuer: SampleIssuer, size: number): Promise<Probe> {
  const cache = createCachedVerifier(verifierOf(issuer), { maxEntries: size });
  const tokens: string[] = [];
  for (let index = 0; index < size; index += 1) tokens.push(issuer.sign(`user-${index}`));
  for (const token of tokens) await cache.verify(token);
  return { name: `hit ${size}`, prepare: () => recalling(cache, fresh(tokens[Math.floor(Math.random() * size)]!)) };
}

function recalling(cache: CachedVerifier, token: string): () => unknown {
  return () => cache.recall(token);
}

/** A verification that is remembered; less one that is not, it is what remembering costs. */
function storeProbe(issuer: SampleIssuer): Probe {
  const cache = createCachedVerifier(verifierOf(issuer));
  let turn = 0;
  return {
    name: 'store',
    prepare() {
      const token = issuer.sign(`first-${(turn += 1)}`);
      return () => cache.verify(token);
    },
  };
}

async function sharedProbe(issuer: SampleIssuer): Promise<Probe> {
  const table = createSharedTable({ entries: 65_536 });
  const verifier = verifierOf(issuer, createSharedChecks(table));
  const tokens = Array.from({ length: TOKENS_PER_ALGORITHM }, (_, index) => issuer.sign(`user-${index}`));
  // The second time the table knows the signature; the verifier itself remembers nothing.
  for (const token of tokens) await verifier.verify(token);
  return { name: 'shared hit', prepare: verifying(verifier, tokens) };
}

/** A string of its own, as a parser of HTTP makes one for each request: hashes and flat forms are not there yet. */
function fresh(token: string): string {
  return Buffer.from(token, 'latin1').toString('latin1');
}

/** Characters of a Txn-Token with the claims that one must have and no others, ES256. */
export async function txnTokenCharacters(): Promise<number> {
  const issuer = createSampleIssuers().find(({ algorithm }) => algorithm === 'ES256')!;
  const subject = await verifierOf(issuer).verify(issuer.sign('user-0001'));
  const minter = createTxnMinter({
    trustDomain: 'shop.example',
    requestingWorkload: 'watchword-gateway',
    key: generateSigningKey('ES256'),
  });
  return minter.mint({ subject }).length;
}
