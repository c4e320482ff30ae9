/** Several token services that are one (TT-1): they share rotating keys, and each takes what another one issued. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/identity-provider.ts';
import { DOMAIN, type TestTokenService, TYPE, exchangeForm, startTestTokenService } from '../support/token-service.ts';

function kidOf(token: string): string {
  return (JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as { kid: string }).kid;
}

test('S12: two instances, one file of keys, through a rotation', async () => {
  let aheadMs = 0;
  const clock = (): number => Date.now() + aheadMs;
  const directory = temporaryDirectory();
  const txnToken = { trustDomain: DOMAIN, keys: { store: { sqlite: join(directory, 'keys.db') }, rotateEverySeconds: 3600 } };
  const [one, other] = await Promise.all([
    startTestTokenService({ txnToken }, { clock }),
    startTestTokenService({ txnToken }, { clock }),
  ]);
  const issue = async (at: TestTokenService): Promise<string> => {
    const subject = at.issuer.token({ exp: Math.floor(clock() / 1000) + 600 });
    const { status, body } = await at.exchange({ subject_token: subject });
    expect(status).toBe(200);
    return body.access_token;
  };
  const publishedBy = async (at: TestTokenService): Promise<string[]> => {
    const { keys } = (await (await fetch(`${at.origin}/jwks`)).json()) as { keys: { kid: string }[] };
    return keys.map(({ kid }) => kid);
  };
  const kids = new Set<string>();
  for (const seconds of [2750, 900, 2700, 900, 0]) {
    const token = await issue(one);
    kids.add(kidOf(token));
    await expect.poll(async () => (await publishedBy(other)).includes(kidOf(token)), { timeout: 3000 }).toBe(true);
    expect((await other.post('/introspect', { token })).body.active).toBe(true);
    const again = await other.post('/token', { ...exchangeForm(token), subject_token_type: TYPE('txn_token') });
    expect(again.status).toBe(200);
    expect((await one.post('/introspect', { token: again.body.access_token })).body.active).toBe(true);
    aheadMs += seconds * 1000;
    // Each looks into the store once a second at most.
    if (seconds > 0) await new Promise((done) => setTimeout(done, 1050));
  }
  expect(kids.size).toBeGreaterThanOrEqual(2);
}, 20_000);
