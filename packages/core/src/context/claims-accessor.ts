/** Typed access to the claims of the caller: a service says once which claims it needs, and of which type. */
import { WatchwordError, assertConfig } from '../errors.ts';
import type { JsonObject, JsonValue } from '../verify/verified-token.ts';
import type { ClaimReads } from './claim-reads.ts';
import { currentIdentity } from './context.ts';
import type { Identity } from './identity.ts';

/** The types of claims, by the names that a shape uses. */
export interface ClaimTypes {
  readonly string: string;
  readonly number: number;
  readonly boolean: boolean;
  readonly 'string[]': readonly string[];
  readonly object: JsonObject;
}

/** Claim name to its type. With a question mark the claim may be absent. */
export type ClaimShape = Readonly<Record<string, keyof ClaimTypes | `${keyof ClaimTypes}?`>>;

/** The claims of a shape, typed. Each one is checked and counted when it is read. */
export type ReadableClaims<Shape extends ClaimShape> = {
  readonly [Name in keyof Shape]: Shape[Name] extends `${infer Type extends keyof ClaimTypes}?`
    ? ClaimTypes[Type] | undefined
    : Shape[Name] extends keyof ClaimTypes
      ? ClaimTypes[Shape[Name]]
      : never;
};

/**
 * Gives the claims of an identity. Default: that of the request in hand.
 * @throws WatchwordError `context_lost`; when a claim is read `claim_missing`, `claim_invalid`
 */
export type ClaimsAccessor<Shape extends ClaimShape> = (identity?: Identity) => ReadableClaims<Shape>;

/** Settings of an accessor. */
export interface ClaimsAccessorOptions {
  /** Counts what is read. Reads of `identity.claims` are not counted. */
  readonly reads?: ClaimReads;
}

const CHECKS: Readonly<Record<keyof ClaimTypes, (value: JsonValue) => boolean>> = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  'string[]': (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

/** Defines an accessor. @throws WatchwordError `config_invalid` for a type that there is not */
export function defineClaims<const Shape extends ClaimShape>(
  shape: Shape,
  { reads }: ClaimsAccessorOptions = {},
): ClaimsAccessor<Shape> {
  // Getters on one prototype: an object per request, and no more than one look-up per read.
  const prototype = Object.create(null) as object;
  for (const [name, type] of Object.entries(shape)) {
    const read = readerOf(name, type, reads);
    Object.defineProperty(prototype, name, { enumerable: true, get: read });
  }
  Object.freeze(prototype);
  return (identity = currentIdentity()) =>
    Object.create(prototype, { [SOURCE]: { value: identity.claims } }) as ReadableClaims<Shape>;
}

const SOURCE: unique symbol = Symbol('claims');

function readerOf(name: string, declared: string, reads: ClaimReads | undefined) {
  const isOptional = declared.endsWith('?');
  const type = isOptional ? declared.slice(0, -1) : declared;
  assertConfig(Object.hasOwn(CHECKS, type), `claims.${name}: must be one of ${Object.keys(CHECKS).join(', ')}, or one with ?`);
  const fits = CHECKS[type as keyof ClaimTypes];
  return function (this: { readonly [SOURCE]: JsonObject }): JsonValue | undefined {
    reads?.note(name);
    const value = this[SOURCE][name];
    if (value === undefined) {
      if (isOptional) return undefined;
      throw new WatchwordError('claim_missing', `Claim ${name} is missing, and this service needs it`);
    }
    if (!fits(value)) throw new WatchwordError('claim_invalid', `Claim ${name} must be of type ${type}`);
    return value;
  };
}
