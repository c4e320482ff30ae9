/** What may be asked of a token before its signature is checked: whose it says it is, and whether its key could be one of ours. */
import { WatchwordError } from '../errors.ts';
import { decodeBase64url } from '../jws/base64url.ts';
import type { CompactJws } from '../jws/compact.ts';
import type { ShareString } from '../jws/shared-strings.ts';
import { parseStrictObject } from '../jws/strict-json.ts';
import { ALGORITHMS, sameAlgorithm } from '../keys/algorithms.ts';
import { VerificationKey } from '../keys/verification-key.ts';
import type { IssuerRules, TrustPolicy } from './policy.ts';
import { normalizeType } from './token-type.ts';

const MAX_PAYLOAD_DEPTH = 64;

/**
 * Whose rules a token is judged by. With one issuer the payload stays unread until the signature is checked (F7). With several the
 * unverified iss may select whose keys to try, and nothing more: the verified one must agree.
 * @throws WatchwordError `issuer_not_trusted`, or why the payload cannot be read
 */
export function selectRules(jws: CompactJws, policy: TrustPolicy): IssuerRules {
  const { issuers } = policy;
  const only = issuers.size === 1 ? issuers.values().next().value : undefined;
  if (only !== undefined) return only;
  const hint = parsePayload(jws).iss;
  const rules = typeof hint === 'string' ? issuers.get(hint) : undefined;
  if (rules === undefined) throw new WatchwordError('issuer_not_trusted');
  return rules;
}

/** Holds algorithm and type against the rules. @throws WatchwordError `algorithm_not_allowed`, `type_not_allowed` */
export function assertHeaderAllowed({ header }: CompactJws, rules: IssuerRules): void {
  // Both are looked up: the allow-list with the exact spelling (JB-1), the table because a list can't make an algorithm exist.
  const allowed = rules.algorithms.has(header.alg) || [...rules.algorithms].some((name) => sameAlgorithm(name, header.alg));
  if (!allowed || !ALGORITHMS.has(header.alg)) throw new WatchwordError('algorithm_not_allowed');
  const type = header.typ === undefined ? null : normalizeType(header.typ);
  if (!rules.tokenTypes.has(type)) throw new WatchwordError('type_not_allowed');
}

/** Whether a key that was found may be asked. @throws WatchwordError `key_unknown` */
export function assertKeyFits(key: unknown, { header }: Pick<CompactJws, 'header'>): VerificationKey {
  // A source written by a user may give anything (A5): only a typed key that is bound to this very algorithm passes (A3).
  if (!(key instanceof VerificationKey) || !sameAlgorithm(key.algorithm.name, header.alg))
    throw new WatchwordError('key_unknown');
  if (key.kid !== undefined && header.kid !== undefined && key.kid !== header.kid) throw new WatchwordError('key_unknown');
  return key;
}

/** Reads the payload. Nothing of it is verified. @throws WatchwordError `token_malformed`, `json_invalid` */
export function parsePayload(jws: CompactJws, share?: ShareString): ReturnType<typeof parseStrictObject> {
  return parseStrictObject(decodeBase64url(jws.payloadSegment), MAX_PAYLOAD_DEPTH, share);
}
