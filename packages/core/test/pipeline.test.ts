/** The whole flow from headers to identity: what is refused, where, and what a cache hit may not skip. */
import { describe, expect, it } from 'vitest';
import { fromRawHeaders, fromRecord } from '../src/carrier/carrier.ts';
import { createCachedVerifier } from '../src/cache/cached-verifier.ts';
import { Identity } from '../src/context/identity.ts';
import { type Pipeline, type PipelineOptions, createPipeline } from '../src/pipeline.ts';
import type { Verifier } from '../src/verify/verifier.ts';
import { testKey } from './support/keys.ts';
import { signatureChecks } from './support/signature-count.ts';
import { accessClaims, makeToken, segment, verifierOf } from './support/tokens.ts';
import { codeOf, outcome } from './support/verdicts.ts';

const key = testKey('ES256');
const token = makeToken(key);
const bearer = (compact: string): ReturnType<typeof fromRecord> => fromRecord({ authorization: `Bearer ${compact}` });

function pipelineOf(changes: Partial<PipelineOptions> = {}): Pipeline {
  return createPipeline({ source: 'bearer', verifier: createCachedVerifier(verifierOf(key)), ...changes });
}

/** 'accepted' or the code, whether it is thrown or a rejection. */
async function admitted(pipeline: Pipeline, ...call: Parameters<Pipeline['admit']>): Promise<string> {
  try {
    return (await pipeline.admit(...call)) instanceof Identity ? 'accepted' : 'no identity';
  } catch (error) {
    return codeOf(error);
  }
}

describe('configuration', () => {
  it('an unknown source, and an exchange where a Txn-Token comes in already (TT-27)', () => {
    expect(outcome(() => pipelineOf({ source: 'cookie' as 'bearer' }))).toBe('config_invalid');
    expect(outcome(() => pipelineOf({ source: 'txn-token', exchange: () => token }))).toBe('config_invalid');
  });
});

describe('refusals', () => {
  it.each([
    ['no header', [], 'token_missing'],
    ['an empty header', ['authorization', ''], 'token_missing'],
    ['the scheme alone', ['authorization', 'Bearer '], 'token_missing'],
    ['another scheme', ['authorization', `Basic ${token}`], 'scheme_unsupported'],
    ['no scheme', ['authorization', token], 'scheme_unsupported'],
    ['two headers', ['Authorization', `Bearer ${token}`, 'authorization', `Bearer ${token}`], 'token_ambiguous'],
    ['two credentials', ['authorization', `Bearer ${token}, Bearer ${token}`], 'token_ambiguous'],
    ['two spaces', ['authorization', `Bearer  ${token}`], 'token_ambiguous'],
    ['junk', ['authorization', 'Bearer junk'], 'token_malformed'],
    ['the header of another source', ['txn-token', token], 'token_missing'],
  ] as const)('%s, before and after the token is known', async (_, rawHeaders, code) => {
    const pipeline = pipelineOf();
    expect(await admitted(pipeline, fromRawHeaders(rawHeaders))).toBe(code);
    await pipeline.admit(bearer(token));
    expect(await admitted(pipeline, fromRawHeaders(rawHeaders))).toBe(code);
  });

  it('a sender-constrained token is no bearer token, cached or not (WI-8)', async () => {
    const bound = makeToken(key, { payload: accessClaims({ cnf: { jkt: 'thumbprint' } }) });
    const pipeline = pipelineOf();
    for (const _ of [1, 2, 3]) expect(await admitted(pipeline, bearer(bound))).toBe('sender_constrained');
  });

  it('scope is checked on each request, after the cache (invariant 1)', async () => {
    const pipeline = pipelineOf();
    const demands = [
      ['read'],
      ['admin'],
      ['read', 'write'],
      ['read', 'admin'],
      [],
      ['rea'],
      ['read write'],
      ['READ'],
      [''],
    ] as const;
    const verdicts = [
      'accepted',
      'scope_insufficient',
      'accepted',
      'scope_insufficient',
      'accepted',
      ...Array(4).fill('scope_insufficient'),
    ];
    for (const _ of [1, 2]) {
      const found = [];
      for (const scopes of demands) found.push(await admitted(pipeline, bearer(token), { scopes }));
      expect(found).toEqual(verdicts);
    }
    const scopeless = makeToken(key, { payload: accessClaims({ scope: undefined }) });
    expect(await admitted(pipeline, bearer(scopeless), { scopes: ['read'] })).toBe('scope_insufficient');
  });

  it('E13: whatever a verifier, a cache or an exchange throws refuses', async () => {
    const plain = verifierOf(key);
    const fail = (): never => {
      throw new Error('broken');
    };
    const broken: Partial<PipelineOptions>[] = [
      { verifier: { ...plain, verify: fail } as Verifier },
      { verifier: { ...plain, verify: () => Promise.reject(new Error('broken')) } },
      { verifier: { ...plain, recall: fail } as Verifier },
      { exchange: fail },
    ];
    for (const changes of broken) {
      const pipeline = pipelineOf(changes);
      for (const _ of [1, 2]) expect(await admitted(pipeline, bearer(token))).toBe('threw Error: broken');
    }
  });
});

describe('what is refused without a signature check', () => {
  const strange = `${segment({ alg: 'ES256', typ: 'at+jwt', kid: 'unknown' })}.${token.split('.').slice(1).join('.')}`;
  it.each([
    ['an unknown key id', strange, 'key_unknown'],
    ['junk', 'junk', 'token_malformed'],
  ])('%s is refused at once where there is a cache, and for the same reason without one (S14)', async (_, compact, code) => {
    expect(outcome(() => pipelineOf().authenticate(bearer(compact)))).toBe(code);
    expect(await admitted(pipelineOf({ verifier: verifierOf(key) }), bearer(compact))).toBe(code);
  });
});

describe('a known token', () => {
  it('is answered at once, without a promise and without a signature check', async () => {
    const pipeline = pipelineOf();
    expect(pipeline.admit(bearer(token))).toBeInstanceOf(Promise);
    await pipeline.admit(bearer(token));
    const checks = await signatureChecks(() => expect(pipeline.admit(bearer(token))).toBeInstanceOf(Identity));
    expect(checks).toBe(0);
  });

  it('carries on what the exchange makes of it; without one, nothing', async () => {
    const exchanged = await pipelineOf({ exchange: ({ claims }) => `txn-token of ${claims.sub}` }).admit(bearer(token));
    expect([Identity.txnTokenOf(exchanged), exchanged.subject]).toEqual(['txn-token of user-1', 'user-1']);
    expect(Identity.txnTokenOf(await pipelineOf().admit(bearer(token)))).toBeUndefined();
  });
});
