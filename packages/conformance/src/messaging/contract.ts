/** What a message carrier's test gives to the suite, and what it gets from it. */
import type { MessageGuard, MessagePropagator } from '@watchword/core';

/** A header as it is sent by hand: the same name may come twice. */
export type RawHeader = readonly [name: string, value: string | Uint8Array];

/** What a handler is given. */
export interface SuiteMessage {
  readonly topic: string;
  readonly body: string;
  /** Names of the headers that the handler can see. */
  readonly headers: readonly string[];
}

/** What a carrier is started with. */
export interface MessagingSetup {
  readonly guard: MessageGuard;
  readonly propagator: MessagePropagator;
  /** Topics, queues or subjects that must exist and be consumed, 20 messages at a time where the broker can do that. */
  readonly topics: readonly string[];
  /** Must be called in the context that the adapter made; may reject. */
  readonly handler: (message: SuiteMessage) => Promise<void>;
}

/** A message that was refused, or whose handler failed too often. */
export interface SuiteDeadLetter {
  readonly body: string;
  readonly reason: string;
  /** Everything else that is kept with it, as text. */
  readonly kept: string;
}

/** A carrier at work with a real broker. */
export interface RunningMessaging {
  /** Sends through the adapter, in the caller's context. */
  send(topic: string, body: string, headers?: Readonly<Record<string, string>>): Promise<void>;
  /** Sends past the adapter, as an intruder would. */
  sendRaw(topic: string, body: string, headers: readonly RawHeader[]): Promise<void>;
  /** What became a dead letter since the last call, at least `count`, or what there is after 10 s. */
  deadLetters(count: number): Promise<readonly SuiteDeadLetter[]>;
  close(): Promise<void>;
}

/** Starts a consumer and a producer. */
export type StartMessaging = (setup: MessagingSetup) => Promise<RunningMessaging>;
