/** Remote keys as most tests want them: of the test issuer, from a server on loopback, by the test's clock. */
import { type RemoteKeys, type RemoteKeysOptions, createRemoteKeys } from '../../src/keys/remote-keys.ts';
import { ISSUER } from './tokens.ts';

/** By default one algorithm, plain http, and a time limit that suits loopback. */
export function remoteKeysAt(url: string, clock: () => number, changes: Partial<RemoteKeysOptions> = {}): RemoteKeys {
  return createRemoteKeys({
    issuer: ISSUER,
    ...(changes.discovery === undefined ? { url } : {}),
    algorithms: ['ES256'],
    allowInsecure: true,
    timeoutMs: 1000,
    clock,
    ...changes,
  });
}
