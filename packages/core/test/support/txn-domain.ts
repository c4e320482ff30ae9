/** A trust domain with many users: who they are, and the Txn-Token each of them brings. */
import { generateSigningKey } from '../../src/keys/signing-key.ts';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { signJws } from '../../src/jws/jws.ts';
import type { Pipeline } from '../../src/pipeline.ts';
import { createTxnPipeline } from '../../src/txn/verify.ts';
import { NOW } from './tokens.ts';

export const TRUST_DOMAIN = 'shop.internal';

export interface User {
  readonly subject: string;
  readonly txn: string;
  readonly scope: string;
  readonly compact: string;
}

export interface TxnDomain {
  readonly users: readonly User[];
  pipeline(maxEntries?: number | false): Pipeline;
}

/** Makes users with their tokens; each has a scope of its own. */
export function createTxnDomain(count: number): TxnDomain {
  const key = generateSigningKey('ES256');
  const keys = createLocalKeys({ issuer: TRUST_DOMAIN, algorithms: ['ES256'], jwks: { keys: [key.publicJwk()] } });
  const users = Array.from({ length: count }, (_, index) => {
    const facts = { subject: `user-${index}`, txn: `transaction-${index}`, scope: `read own:${index}` };
    const claims = {
      iat: NOW - 1,
      exp: NOW + 60,
      aud: TRUST_DOMAIN,
      txn: facts.txn,
      sub: facts.subject,
      scope: facts.scope,
      req_wl: 'edge',
      tctx: { cart: [index] },
    };
    return { ...facts, compact: signJws(Buffer.from(JSON.stringify(claims)), { typ: 'txntoken+jwt' }, key) };
  });
  return {
    users,
    pipeline: (maxEntries = 10_000) =>
      createTxnPipeline({
        trustDomain: TRUST_DOMAIN,
        keys,
        clock: () => NOW * 1000,
        cache: maxEntries === false ? false : { maxEntries },
      }),
  };
}
