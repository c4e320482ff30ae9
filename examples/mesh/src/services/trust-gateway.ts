/** Whom the services trust: Txn-Tokens of this trust domain, signed with the keys that the gateway publishes. */
import { type Pipeline, createRemoteKeys, createTxnPipeline } from '@watchword/core';
import { metered } from '../measure/metered.ts';
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
  // `metered` is for the table of this example; a service of yours uses the pipeline as it is.
  return metered(createTxnPipeline({ trustDomain, keys }));
}
