/** Public surface of @watchword/core. */
export { type Clock, readClock, systemClock } from './clock.ts';
export { CLOCK_STEP_CHANNEL, type ClockStep, type ClockWatch, type ClockWatchOptions, watchClock } from './clock-watch.ts';
export { ERRORS, type ErrorCode, type ErrorFacts, WatchwordError, assertConfig, toWatchwordError } from './errors.ts';
export { type ProblemContext, type ProblemResponse, toProblem } from './problem.ts';
export {
  type HeaderSink,
  type HeaderSource,
  TXN_TOKEN_HEADER,
  fromHeaders,
  fromRawHeaders,
  fromRecord,
  toRecord,
} from './carrier/carrier.ts';
export {
  HEADER_BUDGET_CHANNEL,
  type HeaderBudgetNear,
  INITIAL_TABLE_BYTES,
  TXN_TOKEN_NOT_INDEXED_CHANNEL,
  type TxnTokenNotIndexed,
  checkHeaderBudget,
  checkTxnTokenEntry,
  headerEntryBytes,
  isIndexable,
} from './carrier/header-table.ts';
export { extractAccessToken, extractBearer, extractTxnToken } from './carrier/extract.ts';
export type { DpopOptions } from './possession/dpop-proof.ts';
export {
  type Possession,
  type PossessionOptions,
  type Presented,
  assertUnbound,
  createPossession,
} from './possession/possession.ts';
export { PROOF_ALGORITHMS, thumbprintOf } from './possession/proof-keys.ts';
export type { Sender, TokenScheme } from './possession/sender.ts';
export { ALGORITHMS, type AlgorithmName } from './keys/algorithms.ts';
export { type KeyMaterial, type VerificationKey, createVerificationKey, publicJwkOf } from './keys/verification-key.ts';
export type { Jwk } from './keys/jwk.ts';
export type { KeySource, QuietTime } from './keys/key-source.ts';
export { type LocalKeys, type LocalKeysOptions, createLocalKeys } from './keys/local-keys.ts';
export { KEY_VANISHED_CHANNEL, type KeyVanished } from './keys/key-vanished.ts';
export { type RemoteKeys, type RemoteKeysOptions, type RemoteKeysStats, createRemoteKeys } from './keys/remote-keys.ts';
export { type PublicJwk, SigningKey, createSigningKey, generateSigningKey } from './keys/signing-key.ts';
export {
  type KeyState,
  type KeyTimes,
  type RotationPlan,
  type RotationPolicy,
  type RotationRequest,
  planRotation,
} from './keys/signing-key-plan.ts';
export {
  type ScheduledKey,
  type SigningKeys,
  SigningKeyTimeline,
  type UsableKey,
  fixedSigningKeys,
} from './keys/signing-keys.ts';
export { type KeyDescription, type SigningKeySet, type SigningKeySetStats, createSigningKeySet } from './keys/signing-key-set.ts';
export type { SigningKeySetOptions } from './keys/signing-key-settings.ts';
export type { SigningKeyStore, StoredKeySet } from './keys/signing-key-store.ts';
export { createMemorySigningKeyStore } from './keys/memory-signing-keys.ts';
export { type SqliteSigningKeyStoreOptions, createSqliteSigningKeyStore } from './keys/sqlite-signing-keys.ts';
export { type VerifiedJws, signJws, verifyJws } from './jws/jws.ts';
export { parseStrictObject } from './jws/strict-json.ts';
export type { IssuerPolicy, TrustPolicyOptions } from './verify/policy.ts';
export { createVerifier } from './verify/create-verifier.ts';
export { type BatchOptions, type BatchVerdict, verifyBatch } from './verify/batch.ts';
export {
  type Deferral,
  type DeferredToken,
  type DeferredVerifier,
  type DeferredVerifierOptions,
  createDeferredVerifier,
} from './verify/deferred-verifier.ts';
export { type Screen, type ScreenOptions, type Screened, createScreen } from './verify/screen.ts';
export { pooledChecks } from './jws/pooled-checks.ts';
export type { CachedVerifier, Verifier } from './verify/verifier.ts';
export type { Withdrawal, WithdrawalListener } from './verify/withdrawal.ts';
export { type SignatureChecks, type SignedToken, inlineChecks } from './jws/signature-checks.ts';
export {
  type AdaptiveChecks,
  type AdaptiveChecksOptions,
  type AdaptiveChecksStats,
  createAdaptiveChecks,
} from './jws/adaptive-checks.ts';
export { scopeValues } from './verify/scopes.ts';
export { type Claims, type JoseHeader, type JsonObject, type JsonValue, VerifiedToken } from './verify/verified-token.ts';
export { type ValidityWindow, assertWithin, validityWindow } from './verify/validity.ts';
export { type CacheOptions, type CacheStats, type VerificationCache, createCachedVerifier } from './cache/cached-verifier.ts';
export { CACHE_NOT_WORTH_CHANNEL, type CacheNotWorth } from './cache/cache-worth.ts';
export { type KnownBadMemory, type KnownBadOptions, type KnownBadStats, createKnownBadMemory } from './cache/known-bad.ts';
export { type SharedChecksOptions, createSharedChecks, voidOnWithdrawal } from './cache/shared-checks.ts';
export type { Era } from './cache/shared-slot.ts';
export {
  type SharedTable,
  type SharedTableHandle,
  type SharedTableOptions,
  type SharedTableStats,
  createSharedTable,
  openSharedTable,
} from './cache/shared-table.ts';
export {
  type Revocation,
  type RevocationTarget,
  decodeRevocation,
  encodeRevocation,
  readRevocation,
} from './revocation/revocation.ts';
export { RevocationIndex, type RevocationIndexStats } from './revocation/revocation-index.ts';
export type {
  LogEntry,
  LogPosition,
  RevocationFollower,
  RevocationListener,
  RevocationLog,
  SnapshotPages,
} from './revocation/revocation-log.ts';
export { type MemoryRevocationLogOptions, createMemoryRevocationLog } from './revocation/memory-log.ts';
export { type SqliteRevocationLogOptions, createSqliteRevocationLog } from './revocation/sqlite-log.ts';
export { type RevocationStats, type Revocations, type RevocationsOptions, createRevocations } from './revocation/revocations.ts';
export { type FreshnessRequirement, type RevocationView, assertFresh, readFreshness } from './revocation/freshness.ts';
export { type RevocableVerifierOptions, createRevocableVerifier } from './revocation/revocable-verifier.ts';
export {
  type KnownStatus,
  type StatusLists,
  type StatusListsOptions,
  type StatusListsStats,
  createStatusLists,
} from './revocation/status-list/status-lists.ts';
export type { StatusReference } from './revocation/status-list/status-claim.ts';
export { type StatusListVerifierOptions, createStatusListVerifier } from './revocation/status-list/status-list-verifier.ts';
export type { SpentTokens } from './replay/spent-tokens.ts';
export { createSingleUseVerifier } from './replay/single-use-verifier.ts';
export { type SqliteSpentTokensOptions, createSqliteSpentTokens } from './replay/sqlite-spent-tokens.ts';
export { type Random, type Schedule, systemSchedule } from './revocation/schedule.ts';
export { type TxnMinter, type TxnMinterOptions, type TxnRequest, createTxnMinter } from './txn/mint.ts';
export { type ClaimsMapping } from './txn/claims-mapping.ts';
export {
  type TxnPipelineOptions,
  type TxnVerifierOptions,
  createTxnPipeline,
  createTxnVerifier,
  createVoucherVerifier,
} from './txn/verify.ts';
export {
  MAX_VOUCHER_SECONDS,
  type RedemptionRequest,
  TXN_VOUCHER_HEADER,
  VOUCHER_TYPE,
  type VoucherIssuer,
  type VoucherRedeemer,
  type VoucherRequest,
} from './txn/voucher.ts';
export { guardSubjects } from './txn/subject-guard.ts';
export { Identity } from './context/identity.ts';
export { ClaimReads, type ClaimReadsReport } from './context/claim-reads.ts';
export {
  type ClaimShape,
  type ClaimTypes,
  type ClaimsAccessor,
  type ClaimsAccessorOptions,
  type ReadableClaims,
  defineClaims,
} from './context/claims-accessor.ts';
export { currentIdentity, currentIdentityOrNobody, runAnonymous, runWithIdentity } from './context/context.ts';
export { type Propagator, type PropagatorOptions, createPropagator } from './outgoing/propagator.ts';
export {
  type DeliveredMessage,
  type MessageGuard,
  type MessageGuardOptions,
  type MessageReport,
  type TopicRules,
  createMessageGuard,
} from './messages/message-guard.ts';
export {
  type MessageHeaderEntry,
  REASON_HEADER,
  deadLetterHeaders,
  fromMessageHeaders,
  isIdentityHeader,
  withoutIdentityHeaders,
} from './messages/message-headers.ts';
export {
  type IdentityHeader,
  type MessagePropagator,
  type MessagePropagatorOptions,
  createMessagePropagator,
} from './messages/message-propagator.ts';
export { type Failure, type Settlement, type SettlementReason } from './messages/settlement.ts';
export { SIGNATURE_CHECK_CHANNEL, type SignatureCheck } from './jws/signature.ts';
export {
  type Authenticated,
  type Exchange,
  type Pipeline,
  type PipelineOptions,
  type Requirement,
  authorize,
  createPipeline,
} from './pipeline.ts';
