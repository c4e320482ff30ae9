/** The keys of an issuer, from where the configuration says. Fetches nothing yet. */
import {
  type Clock,
  type KeySource,
  type RemoteKeys,
  type RemoteKeysOptions,
  createLocalKeys,
  createRemoteKeys,
} from '@watchword/core';
import type { GatewayConfig, IssuerConfig } from '../config/config.ts';
import type { ConfigPath } from '../config/locate.ts';
import type { Take } from '../reload/shelf.ts';
import { locating, readText } from './locating.ts';

/** What stands in the place of the machine; undefined: the machine. */
export interface Network {
  readonly clock?: Clock;
  readonly fetch?: NonNullable<RemoteKeysOptions['fetch']>;
}

/** Whether these keys are fetched. */
export function isRemote(keys: KeySource): keys is RemoteKeys {
  return 'ready' in keys;
}

/** The keys of one issuer; those that another configuration has, where it has the same. @throws ConfigError */
export function takeKeySource(
  entry: IssuerConfig,
  index: number,
  config: GatewayConfig,
  network: Network,
  take: Take,
): KeySource {
  const { issuer, algorithms, jwksUrl, discovery, allowInsecure, allowHosts, retentionSeconds } = entry;
  // Keys that are fetched stay as long as the way to them does; a file is read each time, for its content.
  const make = (): KeySource => createKeySource(entry, index, config, network);
  if (jwksUrl === undefined && discovery === undefined) {
    const read = make();
    return take(['local keys', issuer, algorithms, read.id], () => read);
  }
  const way = { issuer, algorithms, jwksUrl, discovery, allowInsecure, allowHosts, retentionSeconds };
  return take(['fetched keys', way], make, (made) => {
    if (isRemote(made)) made.close();
  });
}

/** The keys of one issuer, from where the configuration says; fetches nothing yet. @throws ConfigError */
export function createKeySource(entry: IssuerConfig, index: number, config: GatewayConfig, network: Network = {}): KeySource {
  const { issuer, algorithms, jwksUrl, jwksFile, pemFile } = entry;
  const at = (name: string): ConfigPath => ['issuers', index, name];
  if (jwksFile !== undefined) {
    const text = readText(jwksFile, config, at('jwksFile'));
    return locating(config, at('jwksFile'), () => createLocalKeys({ issuer, algorithms, jwks: JSON.parse(text) }));
  }
  if (pemFile !== undefined) {
    const pem = readText(pemFile, config, at('pemFile'));
    const kid = entry.keyId === undefined ? {} : { kid: entry.keyId };
    return locating(config, at('pemFile'), () => createLocalKeys({ issuer, keys: [{ alg: algorithms[0]!, pem, ...kid }] }));
  }
  const where = jwksUrl === undefined ? { discovery: entry.discovery! } : { url: jwksUrl };
  return locating(config, at(jwksUrl === undefined ? 'discovery' : 'jwksUrl'), () =>
    createRemoteKeys({
      issuer,
      algorithms,
      ...where,
      ...hostsOf(entry),
      retentionMs: entry.retentionSeconds * 1000,
      ...network,
    }),
  );
}

/** Which hosts may be asked on behalf of the issuer. */
export function hostsOf({ allowInsecure, allowHosts }: IssuerConfig): Pick<RemoteKeysOptions, 'allowInsecure' | 'allowHosts'> {
  return { allowInsecure, ...(allowHosts === undefined ? {} : { allowHosts }) };
}
