/**
 * The whole flow, in the order a token passes it:
 *
 *   extract -> cache -> verify(keys) -> possession -> authorize -> exchange (edge only) -> identity
 *   carrier/   cache/   verify/ keys/ jws/  possession/            txn/                    context/
 *
 * A host adapter calls `admit`, runs its handler with the identity (context/), and the calls that the handler makes carry the
 * identity on (outgoing/).
 */
import type { HeaderSource } from './carrier/carrier.ts';
import { type Extractor, extractAccessToken, extractBearer, extractTxnToken } from './carrier/extract.ts';
import { Identity } from './context/identity.ts';
import { WatchwordError, assertConfig } from './errors.ts';
import { assertKnownOptions } from './options.ts';
import { type Possession, assertUnbound } from './possession/possession.ts';
import type { Sender } from './possession/sender.ts';
import { hasScope } from './verify/scopes.ts';
import type { VerifiedToken } from './verify/verified-token.ts';
import type { CachedVerifier, Verifier } from './verify/verifier.ts';

/** What a route asks of its caller. */
export interface Requirement {
  /** Scope values that must all be granted. */
  readonly scopes?: readonly string[];
}

/** Turns a verified external token into the compact Txn-Token that travels on. */
export type Exchange = (token: VerifiedToken) => string;

/** What a pipeline is made of. */
export interface PipelineOptions {
  /** Which token the callers bring: `bearer` at the edge, `txn-token` behind it. */
  readonly source: 'bearer' | 'txn-token';
  readonly verifier: Verifier | CachedVerifier;
  /** For a service that is its own edge: mints the token its calls carry on. Without it a bearer identity is not propagated. */
  readonly exchange?: Exchange;
  /** For the edge: checks the proofs of tokens that are bound to their sender. Without it such tokens are refused (WI-8). */
  readonly possession?: Possession;
}

/** A verified token together with the string it was verified from. */
export interface Authenticated {
  readonly token: VerifiedToken;
  readonly compact: string;
}

/** Headers in, identity out. A cache hit answers at once, everything else with a promise. */
export interface Pipeline {
  /** Which token the callers bring. */
  readonly source: 'bearer' | 'txn-token';
  /** The first half: who is calling. @throws WatchwordError, also as a rejection */
  authenticate(headers: HeaderSource, sender?: Sender): Authenticated | Promise<Authenticated>;
  /** The whole flow. @throws WatchwordError, also as a rejection: the request is refused, whatever went wrong */
  admit(headers: HeaderSource, requirement?: Requirement, sender?: Sender): Identity | Promise<Identity>;
}

/** Builds a pipeline. @throws WatchwordError `config_invalid` */
export function createPipeline(options: PipelineOptions): Pipeline {
  assertKnownOptions(options, ['source', 'verifier', 'exchange', 'possession'], 'pipeline');
  const { source, verifier, exchange, possession } = options;
  assertConfig(typeof verifier?.verify === 'function', 'pipeline.verifier: make it with createVerifier or createTxnVerifier');
  assertConfig(source === 'bearer' || source === 'txn-token', 'source: must be "bearer" or "txn-token"');
  // A Txn-Token travels on byte for byte as received (TT-27).
  assertConfig(source === 'bearer' || exchange === undefined, 'exchange: only an external (bearer) token is exchanged');
  assertConfig(
    source === 'bearer' || possession === undefined,
    'possession: only an external (bearer) token is bound to its sender',
  );
  const authenticate =
    possession === undefined
      ? authenticateBy(source === 'bearer' ? extractBearer : extractTxnToken, verifier)
      : authenticateProven(verifier, possession);
  const conclude = ({ token, compact }: Authenticated, requirement: Requirement): Identity => {
    authorize(token, requirement);
    return new Identity(token, source === 'txn-token' ? compact : exchange?.(token));
  };
  return {
    source,
    authenticate,
    admit(headers, requirement = {}, sender = undefined) {
      const result = authenticate(headers, sender);
      return result instanceof Promise
        ? result.then((verified) => conclude(verified, requirement))
        : conclude(result, requirement);
    },
  };
}

function authenticateBy(extract: Extractor, verifier: Verifier | CachedVerifier): Pipeline['authenticate'] {
  return (headers) => {
    const compact = extract(headers);
    const known = recall(verifier, compact);
    return known ? unbound(known, compact) : verifyThen(verifier, compact, unbound);
  };
}

// Nobody looks at proofs here, so a bound token must not pass as a plain bearer token (WI-7, WI-8).
function unbound(token: VerifiedToken, compact: string): Authenticated {
  assertUnbound(token);
  return { token, compact };
}

function authenticateProven(verifier: Verifier | CachedVerifier, possession: Possession): Pipeline['authenticate'] {
  return (headers, sender) => {
    const { scheme, token: compact } = extractAccessToken(headers);
    const prove = (token: VerifiedToken): Authenticated | Promise<Authenticated> => {
      const checked = possession.check({ token, compact, scheme, headers, sender });
      return checked instanceof Promise ? checked.then(() => ({ token, compact })) : { token, compact };
    };
    const known = recall(verifier, compact);
    return known ? prove(known) : verifyThen(verifier, compact, prove);
  };
}

// Who is refused without a signature check is refused at once.
function recall(verifier: Verifier | CachedVerifier, compact: string): VerifiedToken | undefined {
  if (!('recall' in verifier)) return undefined;
  const known = verifier.recall(compact);
  const refusal = known === undefined ? verifier.refusal?.(compact) : undefined;
  if (refusal !== undefined) throw refusal;
  return known;
}

async function verifyThen(
  verifier: Verifier,
  compact: string,
  conclude: (token: VerifiedToken, compact: string) => Authenticated | Promise<Authenticated>,
): Promise<Authenticated> {
  return conclude(await verifier.verify(compact), compact);
}

/**
 * Checks what a route asks for. Evaluated on every request, after the cache and never cached with it (invariant 1).
 * @throws WatchwordError `scope_insufficient`
 */
export function authorize(token: VerifiedToken, requirement: Requirement): void {
  if (!requirement.scopes?.length) return;
  for (const scope of requirement.scopes) {
    if (!hasScope(token.claims.scope, scope)) throw new WatchwordError('scope_insufficient', `The route requires scope ${scope}`);
  }
}
