/** What the main thread and the threads that serve say to each other. Between two threads messages arrive in order. */
import type { AlgorithmName, ErrorCode, Jwk, QuietTime, Revocation, SharedTableHandle } from '@watchword/core';
import type { KeyObject } from 'node:crypto';
import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import type { GatewayConfig } from '../config/config.ts';
import type { Readiness } from '../control/control-server.ts';
import type { RelayedSigningKey, RelayedSigningKeys } from './signing-keys.ts';

/** The metrics of one thread, as prom-client writes them out. */
export type MetricsSnapshot = readonly MetricObjectWithValues<MetricValue<string>>[];

/** A configuration on its way to a thread. */
export interface ThreadConfig {
  readonly config: GatewayConfig;
  /** The file of the configuration: paths in it are relative to that. Undefined: it came from none. */
  readonly fileName: string | undefined;
  /** The key of the Txn-Tokens. Passed on as an object: its bytes stay where they are. */
  readonly txnKey: { readonly keyObject: KeyObject; readonly kid: string } | undefined;
  /** Keys that take turns, in the place of one; undefined: none do. */
  readonly signingKeys: RelayedSigningKeys | undefined;
  /** The keys of each issuer: how they are called between threads, and `KeySource.id`. */
  readonly sources: readonly RelayedSource[];
}

/** A key source of the main thread. */
export interface RelayedSource {
  readonly slot: number;
  readonly id: string;
}

/** Everything that a thread starts with. */
export interface ThreadStart extends ThreadConfig {
  /** From 1. */
  readonly thread: number;
  /** Where to listen, together with the other threads. */
  readonly port: number;
  readonly table: SharedTableHandle | undefined;
  readonly logLevels: readonly LogLevel[];
  /** Revoked, and not known to be in the log: it would not hear of them from there. */
  readonly owed: readonly Revocation[];
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** One log line. */
export interface LogLine {
  readonly level: LogLevel;
  readonly fields: object;
  readonly message: string | undefined;
}

/** A public key on its way to a thread, which makes a typed key of it. */
export interface RelayedKey {
  readonly id: string;
  readonly alg: AlgorithmName;
  readonly kid: string | undefined;
  readonly jwk: Jwk;
}

/** What a look-up asks for. `source` is the slot of the source. */
export interface KeyQuestion {
  readonly source: number;
  readonly alg: string;
  readonly kid: string | undefined;
}

/** A refusal, as it crosses from one thread to another. */
export interface RelayedError {
  readonly code: ErrorCode;
  readonly message: string;
  /** With `key_unknown`: which other key ids need not be asked for now. */
  readonly quiet?: QuietTime | undefined;
}

/** From the main thread. */
export type ToThread =
  | { readonly type: 'key'; readonly request: number; readonly answer: RelayedKey | RelayedError }
  /** These keys are not trusted any more. Withdrawn: for good, so what they have proven is void. */
  | { readonly type: 'drop'; readonly source: number; readonly keyIds: readonly string[]; readonly withdrawn: boolean }
  /** Regularly: the main thread is alive, and everything that was not dropped is still trusted. */
  | { readonly type: 'tick' }
  /** All signing keys of a set that are published from now on; undefined: nobody uses the set any more. */
  | { readonly type: 'signing-keys'; readonly slot: number; readonly keys: readonly RelayedSigningKey[] | undefined }
  /** Revoked in the main thread just now. */
  | { readonly type: 'revoked'; readonly revocation: Revocation }
  | { readonly type: 'report'; readonly request: number }
  /** Build what this configuration needs, and say whether it can be done. */
  | { readonly type: 'prepare'; readonly reload: number; readonly next: ThreadConfig }
  /** Put it in force. */
  | { readonly type: 'commit'; readonly reload: number }
  /** Forget it. */
  | { readonly type: 'abort'; readonly reload: number }
  /** No more requests are wanted; they are answered all the same. */
  | { readonly type: 'announceDrain' }
  | { readonly type: 'close' };

/** From a thread. */
export type FromThread =
  | { readonly type: 'ready'; readonly port: number }
  | { readonly type: 'failed'; readonly step: 'listen' | 'start'; readonly code: string }
  | { readonly type: 'wanted'; readonly request: number; readonly question: KeyQuestion }
  | { readonly type: 'used'; readonly questions: readonly KeyQuestion[] }
  | { readonly type: 'log'; readonly lines: readonly LogLine[]; readonly lost: number }
  | ReportMessage
  /** `failed` names what went wrong; undefined: nothing. */
  | { readonly type: 'prepared'; readonly reload: number; readonly failed: string | undefined }
  | { readonly type: 'closed' };

/** How a thread is doing. */
export interface ReportMessage {
  readonly type: 'report';
  readonly request: number;
  readonly readiness: Readiness;
  readonly metrics: MetricsSnapshot;
}
