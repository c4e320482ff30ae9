/** Which one-time tokens have been used, shared by everybody who accepts them (B12). */

/** The contract of a ledger. Implementations: SQLite here, Redis in @watchword/redis. */
export interface SpentTokens {
  /**
   * Notes that a token has been used. Of all callers with the same id, on all machines, exactly one gets `true`, and only once that
   * is as durable as the ledger can make it.
   * @param id names the token: made of issuer and `jti`, never of its text, which has other spellings (invariant 3)
   * @param keepUntilMs until when the note must be kept, in Unix milliseconds
   * @throws anything (as a rejection) when it can't be known: the token is refused
   */
  spend(id: string, keepUntilMs: number): Promise<boolean>;
  close(): Promise<void>;
}
