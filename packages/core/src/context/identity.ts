/** Who is calling: immutable, typed, and made from a verified token only. */
import { VerifiedToken, type Claims } from '../verify/verified-token.ts';

/** The verified caller of the request in hand. */
export class Identity {
  /** The `sub` claim: the principal on whose behalf the call is made. */
  readonly subject: string;
  /** Granted scope values, from the space-separated `scope` claim (RFC 8693 section 4.2). */
  readonly scopes: ReadonlySet<string>;
  /** The verified token behind this identity. */
  readonly token: VerifiedToken;
  // Private, so that no log line, serializer or inspector shows it (invariant 5, TT-30).
  readonly #txnToken: string | undefined;

  /** @param txnToken the compact Txn-Token to send along; undefined: this identity is not propagated */
  constructor(token: VerifiedToken, txnToken?: string) {
    if (!VerifiedToken.is(token)) throw new TypeError('An identity is made from a verified token only');
    this.token = token;
    this.subject = token.claims.sub ?? '';
    this.scopes = scopesOf(token.claims);
    this.#txnToken = txnToken;
    Object.freeze(this);
  }

  /** The verified claims, deeply frozen. */
  get claims(): Claims {
    return this.token.claims;
  }

  /** The transaction id of a Txn-Token (`txn`), safe to log and to correlate by. */
  get transaction(): string | undefined {
    const txn = this.token.claims.txn;
    return typeof txn === 'string' ? txn : undefined;
  }

  /** The compact Txn-Token of an identity, byte for byte as received or minted (TT-27). For carriers, never for logs. */
  static txnTokenOf(identity: Identity): string | undefined {
    return identity.#txnToken;
  }
}

const NO_SCOPES: ReadonlySet<string> = Object.freeze(new Set<string>());

function scopesOf(claims: Claims): ReadonlySet<string> {
  return claims.scope === undefined ? NO_SCOPES : new Set(claims.scope.split(' ').filter((scope) => scope !== ''));
}
