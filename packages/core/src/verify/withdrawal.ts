/** News of verdicts that no longer hold, for memories that want to free them. It decides nothing: `Verifier.holds` does. */
import type { RevocationTarget } from '../revocation/revocation.ts';

/** Which verdicts: those a revocation names, or those that one key has made. */
export type Withdrawal = (
  | RevocationTarget
  | { /** `VerificationKey.id` of a key that is not trusted any more. */ readonly keyId: string }
) & {
  /** The trusted issuer, or the trust domain. */
  readonly issuer: string;
};

/** Is told of each withdrawal once it is in force. Must not throw. */
export type WithdrawalListener = (withdrawal: Withdrawal) => void;
