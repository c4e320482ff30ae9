/** Whom the services trust: Txn-Tokens of this trust domain, signed with the keys that the gateway publishes. */
import {
  type Pipeline,
  type SignatureChecks,
  createCachedVerifier,
  createPipeline,
  createRemoteKeys,
  createTxnVerifier,
  inlineChecks,
} from '@watchword/core';
import { metered } from '../measure/metered.ts';
import { offerControl } from './control.ts';
import { setting } from './settings.ts';

/** The pipeline that every service behind the gateway uses. */
export function trustGateway(): Pipeline {
  const trustDomain = setting('TRUST_DOMAIN');
  const keys = createRemoteKeys({
    issuer: trustDomain,
    url: setting('GATEWAY_JWKS_URL'),
    algorithms: ['ES256'],
    // Plain http is acceptable here because the whole example runs on loopback.
    allowInsecure: true,
  });
  // A service of yours needs no figures, and writes `createTxnPipeline({ trustDomain, keys })` for all that follows.
  let signatureChecks = 0;
  const checks: SignatureChecks = {
    check(token, key, nowMs) {
      signatureChecks += 1;
      return inlineChecks.check(token, key, nowMs);
    },
  };
  const cache = createCachedVerifier(createTxnVerifier({ trustDomain, keys, checks }));
  offerControl({ cache, keys, signatureChecks: () => signatureChecks });
  return metered(createPipeline({ source: 'txn-token', verifier: cache }));
}
