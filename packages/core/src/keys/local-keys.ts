/** Keys that are given, not fetched: from a JWK Set, PEM, or an HMAC secret. */
import { createHash } from 'node:crypto';
import { WatchwordError, assertConfig } from '../errors.ts';
import { assertKnownOptions, assertText } from '../options.ts';
import { KeyRing } from './key-ring.ts';
import type { KeySource } from './key-source.ts';
import { parseJwkSet } from './jwk-set.ts';
import { Removals } from './removals.ts';
import { type KeyMaterial, createVerificationKey } from './verification-key.ts';

/** Where fixed keys come from: `keys`, `jwks`, or both. */
export interface LocalKeysOptions {
  /** The one issuer that these keys belong to (JB-9). */
  readonly issuer: string;
  /** Typed keys. */
  readonly keys?: readonly KeyMaterial[];
  /** A JWK Set; every member must be usable, since nobody else would notice. */
  readonly jwks?: unknown;
  /** For `jwks`: the allow-list of the issuer. */
  readonly algorithms?: readonly string[];
}

/** A key source whose content the program decides. */
export interface LocalKeys extends KeySource {
  /** Replaces all keys at once. What a removed key has signed is refused from this moment on, cached or not (VC-4). */
  replace(options: Omit<LocalKeysOptions, 'issuer'>): void;
}

/** Builds a fixed key source. @throws WatchwordError `config_invalid` */
export function createLocalKeys(options: LocalKeysOptions): LocalKeys {
  assertKnownOptions(options, ['issuer', 'keys', 'jwks', 'algorithms'], 'localKeys');
  const issuer = assertText(options.issuer, 'issuer');
  let ring = readKeys(options);
  const removals = new Removals();
  return {
    issuer,
    id: `local:${digestOf(ring)}`,
    lookup: (alg, kid) => ring.find(alg, kid),
    load: () => Promise.reject(new WatchwordError('key_unknown')),
    refusal: (alg, kid) => (ring.find(alg, kid) === undefined ? new WatchwordError('key_unknown') : undefined),
    replace(next) {
      assertKnownOptions(next, ['keys', 'jwks', 'algorithms'], 'localKeys');
      const before = ring;
      ring = readKeys(next);
      removals.announce(before.keysNotIn(ring));
    },
    onRemoval: (listener) => removals.subscribe(listener),
  };
}

function readKeys(options: Omit<LocalKeysOptions, 'issuer'>): KeyRing {
  const typed = (options.keys ?? []).map((material) => createVerificationKey(material));
  if (options.jwks === undefined) {
    assertConfig(options.keys !== undefined, 'keys: give keys or jwks');
    return new KeyRing(typed);
  }
  assertConfig(options.algorithms !== undefined, 'algorithms: needed to read a JWK Set');
  const set = parseJwkSet(options.jwks, options.algorithms);
  const bad = set.ignored[0];
  assertConfig(bad === undefined, `jwks.keys[${bad?.index}].${bad?.reason}`);
  return new KeyRing([...typed, ...set.keys]);
}

function digestOf(ring: KeyRing): string {
  const ids = ring.keys.map((key) => key.id).sort();
  return createHash('sha256').update(ids.join(' ')).digest('base64url');
}
