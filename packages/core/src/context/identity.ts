/** Who is calling: immutable, typed, and made from a verified token only. */
import { scopeValues } from '../verify/scopes.ts';
import { type Claims, VerifiedToken } from '../verify/verified-token.ts';

/** The verified caller of the request in hand. */
export class Identity {
  /** The `sub` claim: the principal on whose behalf the call is made. */
  readonly subject: string;
  /** The verified token behind this identity. */
  readonly token: VerifiedToken;
  // Private, so that no log line, serializer or inspector shows it (invariant 5, TT-30).
  readonly #txnToken: string | undefined;

  /** @param txnToken the compact Txn-Token to send along; undefined: this identity is not propagated */
  constructor(token: VerifiedToken, txnToken?: string) {
    if (!VerifiedToken.is(token)) throw new TypeError('An identity is made from a verified token only');
    this.token = token;
    this.subject = token.claims.sub ?? '';
    this.#txnToken = txnToken;
    Object.freeze(this);
  }

  /** The verified claims, deeply frozen. */
  get claims(): Claims {
    return this.token.claims;
  }

  /** Granted scope values, frozen. */
  get scopes(): readonly string[] {
    return scopeValues(this.token.claims.scope);
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
