/** Whom a Txn-Token names, found out with Node alone. */
import { type KeyObject, verify } from 'node:crypto';

/** Reads Txn-Tokens of one key. */
export class Subjects {
  readonly #key: KeyObject;
  /** The gateway sends one token for many requests of a caller. */
  readonly #known = new Map<string, { readonly subject: string; readonly expiresAtMs: number }>();

  constructor(key: KeyObject) {
    this.#key = key;
  }

  /** Undefined unless it is a token of this key that has not ended. */
  of(token: string | string[] | undefined, nowMs: number): string | undefined {
    if (typeof token !== 'string') return undefined;
    const known = this.#known.get(token) ?? this.#read(token);
    if (known === undefined || known.expiresAtMs <= nowMs) return undefined;
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(token, known);
    return known.subject;
  }

  #read(token: string): { readonly subject: string; readonly expiresAtMs: number } | undefined {
    const [header = '', payload = '', signature = '', ...more] = token.split('.');
    const [data, bytes] = [Buffer.from(`${header}.${payload}`), Buffer.from(signature, 'base64url')];
    const isSigned = verify('sha256', data, { key: this.#key, dsaEncoding: 'ieee-p1363' }, bytes);
    if (!isSigned || more.length > 0) return undefined;
    const { typ } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { typ?: unknown };
    const { sub, exp } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub?: unknown; exp?: unknown };
    if (typ !== 'txntoken+jwt' || typeof sub !== 'string' || typeof exp !== 'number') return undefined;
    return { subject: sub, expiresAtMs: exp * 1000 };
  }
}

const MOST_KNOWN = 20_000;
