/** The verifier without a cache: the oracle that every faster path is held against. */
import { readClock } from '../clock.ts';
import { WatchwordError, toWatchwordError } from '../errors.ts';
import { KnownHeaders, assertTokenSize, headerSegmentOf, parseCompact } from '../jws/compact.ts';
import { type ShareString, createSharedStrings } from '../jws/shared-strings.ts';
import type { SignedToken } from '../jws/signature-checks.ts';
import type { KeySource } from '../keys/key-source.ts';
import type { VerificationKey } from '../keys/verification-key.ts';
import { assertHeaderAllowed, assertKeyFits, parsePayload, selectRules } from './candidate.ts';
import { checkClaims } from './check-claims.ts';
import { type TrustPolicy, type TrustPolicyOptions, defineTrustPolicy } from './policy.ts';
import { withEarlyRefusal } from './early-refusal.ts';
import { createPolicyStanding } from './policy-standing.ts';
import { withStanding } from './standing.ts';
import { assertWithin, validityWindow } from './validity.ts';
import { type JoseHeader, type VerifiedToken, createVerifiedToken } from './verified-token.ts';
import type { Verifier } from './verifier.ts';
import type { WithdrawalListener } from './withdrawal.ts';

/** Builds a verifier. @throws WatchwordError `config_invalid` naming the offending option */
export function createVerifier(options: TrustPolicyOptions): Verifier {
  return createPolicyVerifier(defineTrustPolicy(options));
}

/** Builds a verifier from a finished policy. */
export function createPolicyVerifier(policy: TrustPolicy): Verifier {
  const known = createKnownParts();
  const verifier: Verifier = {
    policyId: policy.id,
    verify: (token) => verifyToken(token, policy, known, undefined),
    holds: (token) => stillHolds(token, policy),
    onWithdrawal: (listener) => listenForRemovals(policy, listener),
  };
  withEarlyRefusal(verifier, (token) => refuseEarly(token, policy, known));
  return withStanding(verifier, createPolicyStanding(policy));
}

/**
 * Everything that a verification does, by the rules of a policy.
 * @param policy a finished one
 * @returns verifies a token; `atMs`: expiry, not-before and age are judged by this time instead of now; null: the caller judges them
 */
export function createJudge(policy: TrustPolicy): (token: string, atMs?: number | null) => Promise<VerifiedToken> {
  const known = createKnownParts();
  return (token, atMs) => verifyToken(token, policy, known, atMs);
}

/**
 * Whether the key of a token that was verified a while ago is one that its issuer has now.
 * @throws WatchwordError (as a rejection) what `verify` would throw
 */
export async function assertStillTrusted({ issuer, key, header }: VerifiedToken, policy: TrustPolicy): Promise<void> {
  const rules = policy.issuers.get(issuer);
  if (rules === undefined) throw new WatchwordError('issuer_not_trusted');
  if (!isTrusted(rules.keys, key, header, readClock(policy.clock))) await assertLoads(rules.keys, key, header);
}

function listenForRemovals(policy: TrustPolicy, listener: WithdrawalListener): () => void {
  const stops = [...policy.issuers.values()].map(({ issuer, keys }) =>
    keys.onRemoval?.((removed) => {
      for (const key of removed) listener({ issuer, keyId: key.id });
    }),
  );
  return () => {
    for (const stop of stops) stop?.();
  };
}

/** What tokens have in common, of proven ones only. */
interface KnownParts {
  readonly headers: KnownHeaders;
  readonly share: ShareString;
}

function createKnownParts(): KnownParts {
  return { headers: new KnownHeaders(), share: createSharedStrings() };
}

// Cheap checks first, the signature before the claims (invariant 4).
async function verifyToken(
  token: string,
  policy: TrustPolicy,
  { headers, share }: KnownParts,
  atMs: number | null | undefined,
): Promise<VerifiedToken> {
  assertTokenSize(token, policy.maxTokenBytes);
  const jws = parseCompact(token, headers);
  const rules = selectRules(jws, policy);
  assertHeaderAllowed(jws, rules);
  const known = rules.keys.lookup(jws.header.alg, jws.header.kid, readClock(policy.clock));
  const key = assertKeyFits(known ?? (await rules.keys.load(jws.header.alg, jws.header.kid)), jws);
  const signed: SignedToken = { compact: token, signingInput: jws.signingInput, signature: jws.signature };
  const proven = policy.checks.check(signed, key, readClock(policy.clock));
  // Nothing but true is a yes: checks may be a user's.
  if ((typeof proven === 'boolean' ? proven : await proven) !== true) throw new WatchwordError('signature_invalid');
  // In a burst the answer takes seconds: a key that has gone meanwhile must not be the reason of a yes (VC-4).
  if (typeof proven !== 'boolean' && !isTrusted(rules.keys, key, jws.header, readClock(policy.clock)))
    await assertLoads(rules.keys, key, jws.header);
  // Only signed headers get in, so junk can't fill it. Besides time, it makes thousands of verdicts share one object.
  headers.remember(jws);
  const claims = parsePayload(jws, share);
  checkClaims(claims, rules);
  const window = validityWindow(claims, rules);
  const nowMs = readClock(policy.clock);
  if (atMs !== null) assertWithin(window, atMs ?? nowMs);
  if (nowMs < window.expiresAtMs) policy.checks.accepted?.(signed, key, window.expiresAtMs);
  return createVerifiedToken({ header: jws.header, claims, key, issuer: rules.issuer, window });
}

// What `verifyToken` says of a token up to its key, without a promise. One whose header is that of a proven token has a key, or had
// one a moment ago: it is not looked at twice.
function refuseEarly(token: string, policy: TrustPolicy, { headers }: KnownParts): WatchwordError | undefined {
  try {
    assertTokenSize(token, policy.maxTokenBytes);
    if (headers.find(headerSegmentOf(token)) !== undefined) return undefined;
    const jws = parseCompact(token);
    const rules = selectRules(jws, policy);
    assertHeaderAllowed(jws, rules);
    const { alg, kid } = jws.header;
    if (rules.keys.lookup(alg, kid, readClock(policy.clock)) !== undefined) return undefined;
    return rules.keys.refusal?.(alg, kid);
  } catch (thrown) {
    return toWatchwordError(thrown);
  }
}

function isTrusted(keys: KeySource, key: VerificationKey, { alg, kid }: JoseHeader, nowMs: number): boolean {
  return keys.lookup(alg, kid, nowMs)?.id === key.id;
}

// The source says why it does not know the key; or it remembers none, and gives it again.
async function assertLoads(keys: KeySource, key: VerificationKey, header: JoseHeader): Promise<void> {
  const loaded = assertKeyFits(await keys.load(header.alg, header.kid), { header });
  if (loaded.id !== key.id) throw new WatchwordError('key_untrusted');
}

function stillHolds(token: VerifiedToken, policy: TrustPolicy): boolean {
  const rules = policy.issuers.get(token.issuer);
  const nowMs = policy.clock();
  if (rules === undefined || !Number.isFinite(nowMs)) return false;
  return token.isWithin(nowMs) && isTrusted(rules.keys, token.key, token.header, nowMs);
}
