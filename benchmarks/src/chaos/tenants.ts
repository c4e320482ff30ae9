/** Whose tokens are trusted: issuers with keys of their own, each with clients at an address of their own. */
import { ISSUER } from '../tokens/claims.ts';
import { type KeyPair, createKeyPair } from '../tokens/key-pair.ts';

/** One issuer and its clients. */
export interface Tenant {
  readonly name: string;
  readonly issuer: string;
  readonly pair: KeyPair;
  /** Whether gateways fetch its keys, from somebody who is killed, too; otherwise they lie in a file. */
  readonly isFetched: boolean;
  /** From where its clients come: fairness goes by it. */
  readonly localAddress: string;
}

const NAMES = [
  ['a', false],
  ['b', true],
  ['c', true],
] as const;

/** Makes them. */
export function createTenants(): readonly Tenant[] {
  return NAMES.map(([name, isFetched], index) => ({
    name,
    issuer: `${ISSUER}/${name}`,
    pair: createKeyPair('ES256'),
    isFetched,
    localAddress: `127.0.0.${index + 2}`,
  }));
}
