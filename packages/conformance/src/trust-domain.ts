/** A trust domain with real keys: an issuer of external tokens, a minter of Txn-Tokens, and everything that must be refused. */
import {
  type Pipeline,
  type SigningKey,
  type TxnMinter,
  type TxnMinterOptions,
  type VerifiedToken,
  type VoucherIssuer,
  type VoucherRedeemer,
  createLocalKeys,
  createTxnMinter,
  createTxnPipeline,
  createTxnVerifier,
  createVerifier,
  createVoucherVerifier,
  generateSigningKey,
  signJws,
} from '@watchword/core';

/** The trust domain of the suite. */
export const TRUST_DOMAIN = 'suite.example';
const ISSUER = 'https://issuer.suite.example';

/** Tokens that no adapter may admit, by what is wrong with them. */
export type BadToken = 'forged' | 'tampered' | 'expired' | 'other trust domain' | 'access token' | 'not a token';

/** Makes tokens and the pipelines that judge them. */
export interface TrustDomain {
  /** Verifies Txn-Tokens with the domain's keys, with a cache as services have it. */
  createPipeline(): Pipeline;
  /** A good Txn-Token of its own for `subject`. */
  tokenFor(subject: string, scope?: string): Promise<string>;
  /** Issues and redeems vouchers as a token service does, without one. */
  createVouchers(): VoucherIssuer & VoucherRedeemer;
  /** A token that must be refused. */
  badToken(kind: BadToken): Promise<string>;
}

/** Makes a trust domain with keys of its own. */
export function createTrustDomain(): TrustDomain {
  const external = generateSigningKey('ES256', 'external');
  const txn = generateSigningKey('ES256', 'txn');
  const verifier = createVerifier({
    issuers: [{ issuer: ISSUER, audience: 'edge', algorithms: ['ES256'], keys: localKeys(ISSUER, external) }],
  });
  const minter = minterWith(txn);
  const verified = (subject: string, scope: string): Promise<VerifiedToken> =>
    verifier.verify(accessToken(external, subject, scope));
  const mint = async (from: TxnMinter, subject: string, scope = ''): Promise<string> =>
    from.mint({ subject: await verified(subject, scope), reuse: false });

  const bad: Record<BadToken, () => Promise<string>> = {
    // Same kid, another key.
    forged: () => mint(minterWith(generateSigningKey('ES256', 'txn')), 'intruder'),
    tampered: async () => swapPayload(await mint(minter, 'user-1'), await mint(minter, 'intruder')),
    expired: async () => expiredToken(txn),
    'other trust domain': () => mint(minterWith(txn, { trustDomain: 'elsewhere.example' }), 'intruder'),
    // Signed with the right key and with the right audience: only its type tells (TT-28).
    'access token': async () => accessToken(txn, 'intruder', '', { iss: TRUST_DOMAIN, aud: TRUST_DOMAIN }),
    'not a token': async () => 'x.y.z',
  };
  return {
    createPipeline: () => createTxnPipeline({ trustDomain: TRUST_DOMAIN, keys: localKeys(TRUST_DOMAIN, txn) }),
    tokenFor: (subject, scope) => mint(minter, subject, scope),
    createVouchers: () => createVouchers(minter, txn),
    badToken: (kind) => bad[kind](),
  };
}

function createVouchers(minter: TxnMinter, key: SigningKey): VoucherIssuer & VoucherRedeemer {
  const keys = localKeys(TRUST_DOMAIN, key);
  const tokens = createTxnVerifier({ trustDomain: TRUST_DOMAIN, keys });
  const vouchers = createVoucherVerifier({ trustDomain: TRUST_DOMAIN, keys });
  return {
    issue: async ({ txnToken, topic }) =>
      minter.issueVoucher({ subject: await tokens.verify(txnToken), topic, maxAgeSeconds: 86_400 }),
    redeem: async ({ voucher, topic }) => minter.redeemVoucher({ subject: await vouchers.verify(voucher), topic }),
  };
}

function localKeys(issuer: string, key: SigningKey): ReturnType<typeof createLocalKeys> {
  return createLocalKeys({ issuer, algorithms: ['ES256'], jwks: { keys: [key.publicJwk()] } });
}

function minterWith(key: SigningKey, more: Partial<TxnMinterOptions> = {}): TxnMinter {
  return createTxnMinter({ trustDomain: TRUST_DOMAIN, key, requestingWorkload: 'suite-edge', lifetimeSeconds: 300, ...more });
}

function accessToken(key: SigningKey, subject: string, scope: string, to = { iss: ISSUER, aud: 'edge' }): string {
  const iat = Math.floor(Date.now() / 1000);
  const claims = { ...to, sub: subject, client_id: 'suite', iat, exp: iat + 3600, jti: `${subject}-${iat}`, scope };
  // A complete Txn-Token but for its type, so that nothing else can be what is refused.
  return signJws(Buffer.from(JSON.stringify({ ...claims, txn: 'suite', req_wl: 'suite-edge' })), { typ: 'at+jwt' }, key);
}

function expiredToken(key: SigningKey): string {
  const iat = Math.floor(Date.now() / 1000) - 600;
  const claims = { iat, exp: iat + 300, aud: TRUST_DOMAIN, txn: 'suite', sub: 'intruder', scope: '', req_wl: 'suite-edge' };
  return signJws(Buffer.from(JSON.stringify(claims)), { typ: 'txntoken+jwt' }, key);
}

function swapPayload(token: string, other: string): string {
  const [header, , signature] = token.split('.');
  return [header, other.split('.')[1], signature].join('.');
}
