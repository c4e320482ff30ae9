/** Vouchers (TT-34): what they are good for, for how long, and that nobody can take one for a Txn-Token. */
import { describe, expect, test } from 'vitest';
import { createLocalKeys } from '../../src/keys/local-keys.ts';
import { createMemoryRevocationLog } from '../../src/revocation/memory-log.ts';
import { createRevocations } from '../../src/revocation/revocations.ts';
import { guardSubjects } from '../../src/txn/subject-guard.ts';
import { createVoucherVerifier } from '../../src/txn/verify.ts';
import type { VerifiedToken } from '../../src/verify/verified-token.ts';
import type { Verifier } from '../../src/verify/verifier.ts';
import { NOW as NOW_SECONDS, verifiedToken } from '../support/tokens.ts';
import { DOMAIN, minterOf, read, signer, txnVerifierOf } from '../support/txn.ts';
import { outcome } from '../support/verdicts.ts';

const subject = await verifiedToken({ scope: 'a b c' });
const NOW = NOW_SECONDS * 1000;
const DAY = 86_400;

function voucherVerifierOf(clock: () => number = () => NOW): Verifier {
  const keys = createLocalKeys({ issuer: DOMAIN, jwks: { keys: [signer.publicJwk()] }, algorithms: ['ES256'] });
  return createVoucherVerifier({ trustDomain: DOMAIN, keys, clock });
}

async function txnToken(): Promise<VerifiedToken> {
  const contexts = { transactionContext: { order: 7 }, requestContext: { ip: '192.0.2.1' } };
  return txnVerifierOf().verify(minterOf().mint({ subject, ...contexts }));
}

async function voucher(changes: object = {}): Promise<string> {
  const request = { subject: await txnToken(), topic: 'orders', maxAgeSeconds: DAY, requestingWorkload: 'shop', ...changes };
  return minterOf().issueVoucher(request);
}

const laterMs = NOW + 3_600_000;
const later = minterOf({ clock: () => laterMs });

async function laterVerified(compact: string): Promise<VerifiedToken> {
  return voucherVerifierOf(() => laterMs).verify(compact);
}

describe('refusals', () => {
  test('TT-34: a voucher is no Txn-Token, and a Txn-Token no voucher', async () => {
    await expect(txnVerifierOf().verify(await voucher())).rejects.toMatchObject({ code: 'type_not_allowed' });
    await expect(voucherVerifierOf().verify(minterOf().mint({ subject }))).rejects.toMatchObject({ code: 'type_not_allowed' });
    const verified = await voucherVerifierOf().verify(await voucher());
    expect(outcome(() => minterOf().replace({ subject: verified }))).toBe('mint_failed');
    expect(outcome(() => minterOf().issueVoucher({ subject: verified, topic: 'x', maxAgeSeconds: 60 }))).toBe('mint_failed');
    expect(outcome(() => minterOf().issueVoucher({ subject, topic: 'x', maxAgeSeconds: 60 }))).toBe('mint_failed');
    const token = txnVerifierOf().verify(minterOf().mint({ subject }));
    const redeemed = await token.then((one) => outcome(() => minterOf().redeemVoucher({ subject: one, topic: 'orders' })));
    expect(redeemed).toBe('mint_failed');
  });

  test('TT-24: no voucher for a Txn-Token that has expired', async () => {
    const token = await txnToken();
    const end = Number(token.claims.exp) * 1000;
    const request = { subject: token, topic: 'orders', maxAgeSeconds: DAY };
    expect(outcome(() => minterOf({ clock: () => end }).issueVoucher(request))).toBe('token_expired');
    expect(outcome(() => minterOf({ clock: () => end - 1 }).issueVoucher(request))).toBe('accepted');
  });

  test('TT-34: another topic, more scope, an end that has come', async () => {
    const verified = await laterVerified(await voucher({ scopes: ['a', 'b'] }));
    expect(outcome(() => later.redeemVoucher({ subject: verified, topic: 'other' }))).toBe('audience_mismatch');
    const wide = { subject: verified, topic: 'orders', scopes: ['c'] };
    expect(outcome(() => later.redeemVoucher(wide))).toBe('scope_insufficient');
    const end = minterOf({ clock: () => NOW + DAY * 1000 });
    expect(outcome(() => end.redeemVoucher({ subject: verified, topic: 'orders' }))).toBe('token_expired');
    const copy = { ...verified } as never;
    expect(outcome(() => later.redeemVoucher({ subject: copy, topic: 'orders' }))).toBe('mint_failed');
  });

  test('D7: the person was taken back by whoever knows the person, after the message was sent', async () => {
    const log = createMemoryRevocationLog({ clock: () => laterMs });
    const revocations = createRevocations({ log, clock: () => laterMs });
    await revocations.ready();
    const guarded = guardSubjects(
      voucherVerifierOf(() => laterMs),
      revocations,
      ['https://idp.example'],
      () => laterMs,
    );
    const compact = await voucher();
    const verified = await guarded.verify(compact);
    expect(guarded.holds(verified)).toBe(true);
    const sub = verified.claims.sub!;
    const expiresAtMs = laterMs + DAY * 1000;
    await revocations.revoke({ issuer: 'https://idp.example', sub, issuedBefore: laterMs / 1000, expiresAtMs });
    await expect(guarded.verify(compact)).rejects.toMatchObject({ code: 'token_revoked' });
    expect(guarded.holds(verified)).toBe(false);
    await revocations.close();
  });
});

test('a voucher is redeemed hours later for the same transaction, person and contexts, with its chain', async () => {
  const first = (await txnToken()).claims;
  const compact = await voucher({ scopes: ['a', 'b'] });
  expect(read(compact).header.typ).toBe('txn-voucher+jwt');
  expect(read(compact).claims).toMatchObject({ txn_topic: 'orders', aud: DOMAIN, scope: 'a b', exp: NOW / 1000 + DAY });
  const verified = await laterVerified(compact);
  const { header, claims } = read(later.redeemVoucher({ subject: verified, topic: 'orders', requestingWorkload: 'worker' }));
  expect(header.typ).toBe('txntoken+jwt');
  expect(claims).toMatchObject({ sub: first.sub, scope: 'a b', tctx: { order: 7 }, rctx: { ip: '192.0.2.1' }, aud: DOMAIN });
  expect(claims).toMatchObject({ txn: verified.claims.txn, req_wl: 'worker', req_wl_chain: ['edge', 'shop'] });
  expect([claims.txn_topic, claims.jti]).toEqual([undefined, undefined]);
  expect(Number(claims.exp) - laterMs / 1000).toBe(60);
});

test('BCP: however many queues a transaction passes, it ends with its first voucher', async () => {
  const end = NOW / 1000 + DAY;
  let nowMs = NOW;
  const minter = minterOf({ clock: () => nowMs, maxReplacements: 32 });
  let token = await txnToken();
  for (let hop = 0; hop < 5; hop += 1) {
    const compact = minter.issueVoucher({ subject: token, topic: 'orders', maxAgeSeconds: DAY });
    expect(read(compact).claims.exp).toBe(end);
    nowMs += 3_600_000;
    const verified = await voucherVerifierOf(() => nowMs).verify(compact);
    token = await txnVerifierOf({ clock: () => nowMs }).verify(minter.redeemVoucher({ subject: verified, topic: 'orders' }));
  }
  // Nor does a token that is minted shortly before.
  const compact = minter.issueVoucher({ subject: token, topic: 'orders', maxAgeSeconds: DAY });
  nowMs = end * 1000 - 10_000;
  const verified = await voucherVerifierOf(() => nowMs).verify(compact);
  expect(read(minter.redeemVoucher({ subject: verified, topic: 'orders' })).claims.exp).toBe(end);
});

test('a chain that is too long ends the transaction', async () => {
  const minter = minterOf({ maxReplacements: 1 });
  const compact = minter.issueVoucher({ subject: await txnToken(), topic: 'orders', maxAgeSeconds: DAY });
  const verified = await voucherVerifierOf().verify(compact);
  expect(outcome(() => minter.redeemVoucher({ subject: verified, topic: 'orders' }))).toBe('claim_invalid');
});
