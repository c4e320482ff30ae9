/** The floor: nothing but the call that checks a signature, everything it needs lying ready. */
import { type KeyObject, createPublicKey, createSecretKey } from 'node:crypto';
import { toDer } from '../../tokens/der.ts';
import { createBareVerify } from '../../tokens/signature.ts';
import type { Contender, Policy, PreparedWay } from '../contender.ts';

/** A token taken apart. */
interface Parts {
  readonly input: Buffer;
  readonly signature: Buffer;
}

/** Sets it up. It has no policy: who uses it alone accepts what expired yesterday. */
export function createBare(policy: Policy): Contender {
  return {
    ways: [],
    prepare(tokens) {
      const parts = tokens.map(takeApart);
      if (policy.algorithm === 'ES256') return ecdsaWays(policy, parts);
      const call = policy.algorithm === 'HS256' ? 'createHmac()' : 'crypto.verify()';
      return [createWay(call, createBareVerify(keyOf(policy), policy.algorithm), parts)];
    },
  };
}

// OpenSSL wants DER. Converting to it, which `dsaEncoding: 'ieee-p1363'` makes Node do, takes a third of the whole call.
function ecdsaWays(policy: Policy, parts: readonly Parts[]): PreparedWay[] {
  const key = keyOf(policy);
  const converted = parts.map(({ input, signature }) => ({ input, signature: toDer(signature) }));
  return [
    createWay('crypto.verify(), DER', createBareVerify(key, policy.algorithm, { der: true }), converted),
    createWay('crypto.verify(), P1363', createBareVerify(key, policy.algorithm), parts),
  ];
}

function createWay(call: string, verify: ReturnType<typeof createBareVerify>, parts: readonly Parts[]): PreparedWay {
  return {
    call,
    verify(index) {
      const { input, signature } = parts[index]!;
      return verify(input, signature);
    },
  };
}

function takeApart(token: string): Parts {
  const dot = token.lastIndexOf('.');
  return { input: Buffer.from(token.slice(0, dot)), signature: Buffer.from(token.slice(dot + 1), 'base64url') };
}

function keyOf({ material }: Policy): KeyObject {
  return material.secret === undefined ? createPublicKey(material.pem!) : createSecretKey(Buffer.from(material.secret, 'base64'));
}
