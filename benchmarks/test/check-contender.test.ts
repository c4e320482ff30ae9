import { describe, expect, it } from 'vitest';
import { AUDIENCE, ISSUER } from '../src/tokens/claims.ts';
import { ALGORITHM_NAMES, createKeyPair } from '../src/tokens/key-pair.ts';
import { createRefusedTokens } from '../src/tokens/refused-tokens.ts';
import { signTokens } from '../src/tokens/sign-token.ts';
import { checkContender } from '../src/verify/check-contender.ts';
import { CONTENDERS, contendersFor } from '../src/verify/contenders.ts';
import type { Policy } from '../src/verify/contender.ts';

describe('a contender that answers wrongly is not timed', () => {
  it('when it accepts everything', async () => {
    const { accepted, refused } = await createTokens('ES256');
    const credulous = { ways: [{ call: 'decode()', verify: claimsOf, subjectOf }] };
    await expect(checkContender(credulous, accepted, refused)).rejects.toThrow('decode() accepted a token: forged signature');
  });

  it('when it answers with the claims of another caller', async () => {
    const { accepted, refused } = await createTokens('ES256');
    const first = claimsOf(accepted[0]!.token);
    const confused = { ways: [{ call: 'remember()', verify: () => first, subjectOf }] };
    await expect(checkContender(confused, accepted, refused)).rejects.toThrow("remember() took a token for another one's");
  });

  it('when the floor accepts a forged signature', async () => {
    const { accepted, refused } = await createTokens('ES256');
    const floor = { ways: [], prepare: () => [{ call: 'true', verify: () => true }] };
    await expect(checkContender(floor, accepted, refused)).rejects.toThrow('true accepted a token: forged signature');
  });
});

describe.each(ALGORITHM_NAMES)('with %s', (algorithm) => {
  it.each(contendersFor(algorithm))('%s accepts and refuses what it should', async (id) => {
    const { accepted, refused, policy } = await createTokens(algorithm);
    const create = await CONTENDERS[id].load();
    await checkContender(await create(policy), accepted, refused);
  });
});

async function createTokens(algorithm: Policy['algorithm']) {
  const pair = createKeyPair(algorithm);
  const tokens = await signTokens(pair, 3);
  const policy: Policy = { algorithm, issuer: ISSUER, audience: AUDIENCE, material: pair.material, cacheEntries: 10 };
  const accepted = tokens.map((token, index) => ({ token, subject: `user-${index}` }));
  return { accepted, refused: await createRefusedTokens(pair, tokens[0]!), policy };
}

function claimsOf(token: string): unknown {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());
}

function subjectOf(claims: unknown): string {
  return (claims as { sub: string }).sub;
}
