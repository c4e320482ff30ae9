/** All revocations in force, found by a token's claims in constant time. In memory, without I/O. */
import type { VerifiedToken } from '../verify/verified-token.ts';
import type { Revocation } from './revocation.ts';

/** What an index holds. */
export interface RevocationIndexStats {
  readonly entries: number;
  /** Estimated memory. Entries can't make place for others, so this is what to watch. */
  readonly bytes: number;
}

/** Revocations of one issuer. One map for each kind, so that no value can be taken for one of another kind. */
interface IssuerEntries {
  readonly jti: Map<string, Entry[]>;
  readonly sid: Map<string, Entry[]>;
  readonly sub: Map<string, Entry[]>;
  readonly kid: Map<string, Entry[]>;
}

/** A revocation, and in which round of reading the log it was last seen there. */
export interface SeenRevocation {
  readonly revocation: Revocation;
  readonly round: number;
}

interface Entry extends SeenRevocation {
  round: number;
  readonly expiresAtMs: number;
  /** Infinity for everything but `sub`. */
  readonly issuedBefore: number;
  readonly kind: keyof IssuerEntries;
  readonly name: string;
}

/** An index of revocations. */
export class RevocationIndex {
  readonly #issuers = new Map<string, IssuerEntries>();
  /** By the slot of time in which they expire, so that forgetting needs no walk over all. */
  readonly #slots = new Map<number, Set<Entry>>();
  #entries = 0;
  #bytes = 0;
  #version = 0;

  /** Rises with each revocation that was not covered by those before. */
  get version(): number {
    return this.#version;
  }

  /** Adds a revocation, checked before by `readRevocation`. @returns false if what is known already covers it */
  add(revocation: Revocation, round = 0): boolean {
    const entry = toEntry(revocation, round);
    const known = this.#find(entry) ?? NONE;
    if (known.some((other) => includes(other, entry))) {
      for (const other of known) if (includes(entry, other)) other.round = Math.max(other.round, round);
      return false;
    }
    for (const other of known) if (includes(entry, other)) this.#remove(other);
    this.#insert(entry);
    return true;
  }

  /** Whether what is known covers a revocation. */
  covers(revocation: Revocation): boolean {
    const entry = toEntry(revocation);
    return this.#find(entry)?.some((other) => includes(other, entry)) ?? false;
  }

  /** Whether a token is revoked. A clock that gives no number revokes whatever has an entry (B2). */
  revokes(token: VerifiedToken, nowMs: number): boolean {
    const issuer = this.#issuers.get(token.issuer);
    if (issuer === undefined) return false;
    const { jti, sid, sub, iat } = token.claims;
    // Without iat: older than everything (fail closed).
    const issuedAt = typeof iat === 'number' ? iat : -Infinity;
    return (
      isCovered(issuer.jti, jti, issuedAt, nowMs) ||
      isCovered(issuer.sid, sid, issuedAt, nowMs) ||
      isCovered(issuer.sub, sub, issuedAt, nowMs) ||
      // A token may leave out the key id; the key that verified it knows.
      isCovered(issuer.kid, token.header.kid, issuedAt, nowMs) ||
      isCovered(issuer.kid, token.key.kid, issuedAt, nowMs)
    );
  }

  /** Frees what expired before `nowMs`, a minute later at most. @returns how many */
  prune(nowMs: number): number {
    const before = this.#entries;
    for (const [slot, entries] of this.#slots) {
      if (!((slot + 1) * SLOT_MS <= nowMs)) continue;
      for (const entry of entries) this.#remove(entry);
    }
    return before - this.#entries;
  }

  /** Every revocation that is not freed yet. */
  *revocations(): Generator<Revocation> {
    for (const { revocation } of this.seen()) yield revocation;
  }

  /** The same, with the round of each. */
  *seen(): Generator<SeenRevocation> {
    for (const entries of this.#slots.values()) yield* entries;
  }

  stats(): RevocationIndexStats {
    return { entries: this.#entries, bytes: this.#bytes };
  }

  #find({ revocation, kind, name }: Entry): Entry[] | undefined {
    return this.#issuers.get(revocation.issuer)?.[kind].get(name);
  }

  #insert(entry: Entry): void {
    this.#version += 1;
    const { issuer } = entry.revocation;
    let entries = this.#issuers.get(issuer);
    if (entries === undefined)
      this.#issuers.set(issuer, (entries = { jti: new Map(), sid: new Map(), sub: new Map(), kid: new Map() }));
    const list = entries[entry.kind].get(entry.name);
    if (list === undefined) entries[entry.kind].set(entry.name, [entry]);
    else list.push(entry);
    const slot = slotOf(entry);
    const neighbours = this.#slots.get(slot);
    if (neighbours === undefined) this.#slots.set(slot, new Set([entry]));
    else neighbours.add(entry);
    this.#entries += 1;
    this.#bytes += bytesOf(entry);
  }

  #remove(entry: Entry): void {
    const { issuer } = entry.revocation;
    const entries = this.#issuers.get(issuer)!;
    const others = entries[entry.kind].get(entry.name)!.filter((other) => other !== entry);
    if (others.length > 0) entries[entry.kind].set(entry.name, others);
    else entries[entry.kind].delete(entry.name);
    if (KINDS.every((kind) => entries[kind].size === 0)) this.#issuers.delete(issuer);
    const slot = slotOf(entry);
    const neighbours = this.#slots.get(slot)!;
    neighbours.delete(entry);
    if (neighbours.size === 0) this.#slots.delete(slot);
    this.#entries -= 1;
    this.#bytes -= bytesOf(entry);
  }
}

const KINDS = ['jti', 'sid', 'sub', 'kid'] as const;
const SLOT_MS = 60_000;
/** Objects, map and set entries of one revocation; with names of one byte for each character 374 were measured on Node 24. */
const ENTRY_BYTES = 320;

const NONE: readonly Entry[] = [];

function toEntry(revocation: Revocation, round = 0): Entry {
  const { expiresAtMs } = revocation;
  const common = { revocation, round, expiresAtMs, issuedBefore: Infinity } as const;
  if ('jti' in revocation) return { ...common, kind: 'jti', name: revocation.jti };
  if ('sid' in revocation) return { ...common, kind: 'sid', name: revocation.sid };
  if ('kid' in revocation) return { ...common, kind: 'kid', name: revocation.kid };
  return { ...common, issuedBefore: revocation.issuedBefore, kind: 'sub', name: revocation.sub };
}

// Of one subject more than one entry is kept only while an older one lasts longer than a newer one.
function includes(wide: Entry, narrow: Entry): boolean {
  return wide.issuedBefore >= narrow.issuedBefore && wide.expiresAtMs >= narrow.expiresAtMs;
}

function isCovered(entries: Map<string, Entry[]>, name: unknown, issuedAt: number, nowMs: number): boolean {
  if (entries.size === 0 || typeof name !== 'string') return false;
  // Written so that NaN revokes.
  return entries.get(name)?.some((entry) => issuedAt < entry.issuedBefore && !(nowMs >= entry.expiresAtMs)) ?? false;
}

function slotOf(entry: Entry): number {
  return Math.floor(entry.expiresAtMs / SLOT_MS);
}

function bytesOf({ revocation, name }: Entry): number {
  return ENTRY_BYTES + name.length + revocation.issuer.length;
}
