/** The header fields of a request that another proxy reports: what the decision may see of them, and what must not go on. */
import { type HeaderSource, WatchwordError } from '@watchword/core';
import { classifyHeader } from '../headers/classify.ts';

// RFC 9110 section 5.6.2.
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** What one pass over the reported fields found. */
export class ReportedFields implements HeaderSource {
  /**
   * Names, as reported, of what a client may not send past the edge, beyond `authorization` and `txn-token`: other spellings of
   * those two, and the reserved names in every spelling (E2, E3).
   */
  readonly forbidden: readonly string[];
  /** How many Txn-Token fields, under any spelling, the client has sent. */
  readonly txnTokens: number;
  readonly #visible: readonly string[];

  private constructor(visible: readonly string[], forbidden: readonly string[], txnTokens: number) {
    this.#visible = visible;
    this.forbidden = forbidden;
    this.txnTokens = txnTokens;
  }

  /**
   * @param fields name, value, name, value, ...
   * @param isOfProxy whether the proxy itself sets the field of this lower-case name, whatever a client has sent
   * @throws WatchwordError `token_ambiguous`: a credential that stands twice (E4); `header_forbidden`: a reserved name with signs
   * that no field name has, so that nobody can be told to remove it
   */
  static of(fields: readonly string[], isOfProxy: (name: string) => boolean): ReportedFields {
    const visible: string[] = [];
    const forbidden: string[] = [];
    let credentials = 0;
    let txnTokens = 0;
    for (let index = 0; index + 1 < fields.length; index += 2) {
      const rawName = fields[index]!;
      const value = fields[index + 1]!;
      const { name, treatment } = classifyHeader(rawName);
      if (treatment === 'pass') visible.push(name, value);
      else if (treatment === 'dpop') visible.push(name, value);
      else if (treatment === 'authorization') {
        credentials += 1;
        visible.push(name, value);
      } else if (treatment === 'txn-token') {
        // A proxy that joins what stands twice leaves a comma, which no token has.
        txnTokens += value.includes(',') ? 2 : 1;
        if (name !== 'txn-token') forbidden.push(rawName);
      } else if (treatment === 'reserved' && !isOfProxy(name)) forbidden.push(rawName);
    }
    if (!forbidden.every((name) => FIELD_NAME.test(name))) {
      throw new WatchwordError('header_forbidden', 'A reserved name with signs that no field name has');
    }
    if (credentials > 1) throw new WatchwordError('token_ambiguous', 'Several Authorization fields in one request');
    if (txnTokens > 1) throw new WatchwordError('token_ambiguous', 'Several Txn-Token fields in one request');
    return new ReportedFields(visible, forbidden, txnTokens);
  }

  /** The decision stages see nothing that a client could forge. */
  values(name: string): readonly string[] {
    const found: string[] = [];
    for (let index = 0; index < this.#visible.length; index += 2) {
      if (this.#visible[index] === name) found.push(this.#visible[index + 1]!);
    }
    return found;
  }

  /** Keeps the credential out of inspectors and serializers (invariant 5). */
  toJSON(): object {
    return { fields: this.#visible.length / 2 };
  }
}
