/** What goes into the decision pipeline and what comes out, for every transport the same. */
import { type ErrorCode, type HeaderSource, Identity, type VerifiedToken, WatchwordError } from '@watchword/core';
import type { Route } from '../routing/route.ts';

/** A request as the pipeline sees it. A transport fills it from HTTP/1.1, HTTP/2, ext_authz, a forwarded-auth subrequest, ... */
export interface DecisionRequest {
  /** Method, in the case it was sent with (RFC 9110 section 9.1). */
  readonly method: string;
  /** The one Host field or `:authority`, as received. */
  readonly host: string;
  /** Origin-form request target with its query, as received. The pipeline checks that it is canonical; the transport forwards it as it is. */
  readonly target: string;
  /** Fields as received, duplicates apart. */
  readonly headers: HeaderSource;
  /** The certificate (DER) that the client has proven to own in its TLS handshake (RFC 8705); undefined: none. */
  readonly clientCertificate?: Buffer | undefined;
  /**
   * Whether the asker can put a request aside. Then the decision about a deferred route has no token, and says only that the route is
   * there; everybody else is refused.
   */
  readonly canDefer?: boolean;
}

/** The request may go on, here and in this form. */
export class Decision {
  readonly route: Route;
  /** Name of the upstream; undefined: another proxy forwards. */
  readonly upstream: string | undefined;
  /** The path that was decided on: a prefix of the target, byte for byte (E6). */
  readonly canonicalPath: string;
  /** The verified external token; undefined on public routes. */
  readonly token: VerifiedToken | undefined;
  // Private, so that no log line or inspector shows it (invariant 5).
  readonly #txnToken: string | undefined;

  constructor(route: Route, canonicalPath: string, token?: VerifiedToken, txnToken?: string) {
    this.route = route;
    this.upstream = route.upstream;
    this.canonicalPath = canonicalPath;
    this.token = token;
    this.#txnToken = txnToken;
  }

  /** Who is calling; undefined on public routes. Made when asked for: forwarding does not need it. */
  get identity(): Identity | undefined {
    return this.token === undefined ? undefined : new Identity(this.token, this.#txnToken);
  }

  /** The compact Txn-Token to send upstream; undefined on public routes. For carriers, never for logs. */
  static txnTokenOf(decision: Decision): string | undefined {
    return decision.#txnToken;
  }
}

/** Decides. On a warm cache the answer comes at once, otherwise as a promise. Failures are thrown or rejected as {@link Refusal}. */
export type Decide = (request: DecisionRequest) => Decision | Promise<Decision>;

/** The request may not go on. A WatchwordError that also knows what the answer has to say about the route. */
export class Refusal extends WatchwordError {
  /** The route that refused; undefined: there was none. */
  readonly route: Route | undefined;
  /** For `method_not_allowed`: the value of the Allow field (RFC 9110 section 15.5.6). */
  readonly allow: string | undefined;

  constructor(code: ErrorCode, message: string, details: { route?: Route; allow?: string; cause?: unknown } = {}) {
    super(code, message, details.cause === undefined ? undefined : { cause: details.cause });
    this.route = details.route;
    this.allow = details.allow;
  }
}
