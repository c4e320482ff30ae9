/**
 * The contract of a queue of accepted requests. Two implementations pass one suite: SQLite here, Redis Streams in @watchword/redis.
 *
 * The life of an entry:   accepted -> claimed -> done | refused | dead
 *                             ^          |
 *                             +----------+  released, or its lease has run out
 *
 * Nothing that `accept` has acknowledged is ever lost: it ends exactly once in one of the three last states. Towards the upstream
 * delivery is at least once, with the id of the entry as a stable delivery id.
 *
 * A claim is held until it is settled or released, or until somebody else claims the entry. That its lease runs out alone takes
 * nothing from the holder: it only lets others claim the entry. So it does not matter how promptly a store notices.
 */

/** What is stored of a request before the client is told 202. */
export interface NewEntry {
  /** Delivery id: chosen by whoever accepts, unique, unguessable (128 bits or more in base64url). */
  readonly id: string;
  /** When it was accepted, in Unix milliseconds. Expiry of the token is judged by it; the receipt attests it. */
  readonly acceptedAtMs: number;
  /** From then on it must not run any more. */
  readonly runBeforeMs: number;
  /** Name of the route. */
  readonly route: string;
  /** Who shares the queue with whom: the issuer that the token names. Not verified; it must be one that the gateway trusts. */
  readonly issuer: string;
  /** Who shares the part of an issuer with whom: a digest of what identifies the client. Never a claim value. */
  readonly client: string;
  /** A digest over route, client and the key that the client gave; the same one again gives the first entry. Undefined: none. */
  readonly idempotencyKey?: string | undefined;
  /** Digest of the request itself: an idempotency key that comes again with another request is a conflict. Without a key: anything. */
  readonly fingerprint: string;
  /** Request, token and receipt, sealed by the gateway: a store holds nothing that can be used or read. */
  readonly payload: Uint8Array;
}

/** What `accept` says. */
export type Acceptance =
  | { readonly kind: 'accepted'; readonly id: string }
  /**
   * The same idempotency key came before with the same request: `id` is that of the first. Also for the same id with the same
   * fingerprint: whoever did not hear the answer may ask again.
   */
  | { readonly kind: 'repeated'; readonly id: string }
  /** The same idempotency key, or the same id, came before with another request. Nothing was stored. */
  | { readonly kind: 'conflict' }
  /** No room: for everybody (`queue`), or for this issuer or client. Nothing was stored. */
  | { readonly kind: 'full'; readonly scope: 'queue' | 'issuer' | 'client'; readonly retryAfterMs: number };

/** How to claim. */
export interface ClaimOptions {
  readonly leaseMs: number;
  readonly waitMs: number;
  /** Ends the waiting, at once: what has been claimed by then is still the answer. */
  readonly signal?: AbortSignal;
}

/** An entry in the hands of one worker, until `leaseUntilMs`. */
export interface Claim {
  readonly entry: NewEntry;
  /** Names this claim: of two workers that hold the same entry one after the other, only the later one may settle it. */
  readonly token: string;
  /** How often it was claimed, this time included, and not given back before anything was done. */
  readonly attempt: number;
  readonly leaseUntilMs: number;
}

/** How a claim is given back. */
export interface Release {
  readonly claim: Claim;
  /** When it may be claimed again. */
  readonly notBeforeMs: number;
  /** Nothing was done: it does not count as an attempt. */
  readonly isUntouched?: boolean;
}

/** How an entry ends. */
export type Outcome =
  /** The upstream has answered; `result` is what the client may read, sealed or not as the gateway decides. */
  | { readonly state: 'done'; readonly status: number; readonly result?: Uint8Array | undefined }
  /** It must not run: token, age, revocation, scope. `reason` is an error code, never a value. */
  | {
      readonly state: 'refused';
      readonly reason: string;
      /** Its token was never verified: of all outcomes it is the first to be forgotten, so that junk crowds out nobody else's. */
      readonly isUnverified?: boolean;
    }
  /** It could not run, as often as it was tried. Kept until it is replayed or purged. */
  | { readonly state: 'dead'; readonly reason: string };

/** What is known of an entry. Kept after its end for as long as the queue keeps outcomes, and as many. */
export type EntryStatus = {
  readonly id: string;
  readonly acceptedAtMs: number;
  readonly route: string;
  readonly client: string;
} & (
  | { readonly state: 'accepted' | 'claimed'; readonly attempts: number }
  | (Outcome & { readonly endedAtMs: number; readonly attempts: number })
);

/** Figures of a queue. */
export interface QueueStats {
  /** Accepted and not ended, claimed ones included. */
  readonly depth: number;
  readonly claimed: number;
  /** Age of the oldest of them, in milliseconds; 0: there is none. */
  readonly oldestAgeMs: number;
  /** Dead letters. They take room until they are replayed or purged: a bounded queue is bounded in these too. */
  readonly dead: number;
  /** Entries per second over the last minute. `ended` is what `retryAfterMs` is reckoned from. */
  readonly perSecond: Readonly<Record<'accepted' | 'ended', number>>;
  /** Since the queue was made. */
  readonly totals: Readonly<Record<'accepted' | 'done' | 'refused' | 'dead' | 'replayed' | 'purged', number>>;
  /** The depth, by issuer. Issuers with nothing to do are left out. */
  readonly byIssuer: Readonly<Record<string, number>>;
}

/** A dead letter. */
export interface DeadLetter {
  readonly id: string;
  readonly route: string;
  readonly issuer: string;
  readonly acceptedAtMs: number;
  readonly endedAtMs: number;
  readonly attempts: number;
  readonly reason: string;
}

/** A queue. All times by the injected clock; every method rejects with `queue_unavailable` when the store cannot be asked. */
export interface Queue {
  /**
   * Stores durably: what resolves as `accepted` survives a crash of this process, and of the store as far as the store promises.
   * Bounded in entries and bytes; fair: an issuer and a client have shares (`fullScope`), so that junk cannot crowd out good work.
   * @throws WatchwordError `body_too_large` for an entry that even an empty queue has no room for
   */
  accept(entry: NewEntry): Promise<Acceptance>;
  /**
   * Up to `most` entries for this worker, each to another issuer in turn, and of an issuer each to another client in turn; of a
   * client the oldest first. Whoever had nothing waiting joins at the end of the round: it waits for one entry of each other client
   * of its issuer that has some, times the issuers that have some, however much the others have.
   * Entries whose lease has run out are there again. Waits at most `waitMs` for the first one, and not once `signal` is aborted.
   */
  claim(worker: string, most: number, options: ClaimOptions): Promise<readonly Claim[]>;
  /** Keeps claims for longer. @returns those that were still held */
  extend(claims: readonly Claim[], leaseMs: number): Promise<readonly Claim[]>;
  /** Ends entries, each exactly once. @returns for each whether this claim ended it; false: another one holds it or has ended it */
  settle(outcomes: readonly (readonly [Claim, Outcome])[]): Promise<readonly boolean[]>;
  /** Gives entries back. @returns for each whether this claim still held it */
  release(releases: readonly Release[]): Promise<readonly boolean[]>;
  /** Undefined: unknown, or forgotten: ended longer ago than outcomes are kept, or before more others than are kept. */
  status(id: string): Promise<EntryStatus | undefined>;
  stats(): Promise<QueueStats>;
  /** Dead letters, oldest first, from behind `after` on; from the beginning where `after` is not known any more. */
  dead(options: { readonly after?: string; readonly limit: number }): Promise<readonly DeadLetter[]>;
  /** Puts dead letters back, attempts counted from 0; those past `runBeforeMs` stay. @returns the ids that were put back */
  replay(ids: readonly string[]): Promise<readonly string[]>;
  /** Forgets dead letters. @returns the ids that are gone */
  purge(ids: readonly string[]): Promise<readonly string[]>;
  close(): Promise<void>;
}
