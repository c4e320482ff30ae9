/** Ids and digests of requests that are put aside: a store holds no key, address or token that somebody has sent. */
import { hash, randomBytes } from 'node:crypto';

const TIME_LENGTH = 8;
/** 144 random bits. */
const RANDOM_LENGTH = 24;
const RANDOM_BYTES = 18;
const DRAWN_AT_ONCE = 128;
let random = '';
let next = 0;

/** The form of an id. */
export const ID_FORM: RegExp = /^[\w-]{32}$/;

/**
 * A new id: 144 random bits, and in front the time, which whoever is told the id knows. Stores keep ids in order, and write those of
 * one moment in one place.
 */
export function createId(nowMs: number): string {
  if (next === random.length) {
    random = randomBytes(DRAWN_AT_ONCE * RANDOM_BYTES).toString('base64url');
    next = 0;
  }
  const time = Math.max(0, Math.floor(nowMs)).toString(36).padStart(TIME_LENGTH, '0').slice(-TIME_LENGTH);
  const id = time + random.slice(next, next + RANDOM_LENGTH);
  next += RANDOM_LENGTH;
  return id;
}

/** A digest over parts: no two lists of parts give the same text. */
export function digest(...parts: readonly string[]): string {
  return hash('sha256', JSON.stringify(parts), 'base64url');
}

const MAX_KNOWN_CLIENTS = 1024;
const knownClients = new Map<string, string>();

/** The digest that stands for a client. */
export function digestOfClient(name: string): string {
  const known = knownClients.get(name);
  if (known !== undefined) return known;
  const made = digest('client', name);
  if (knownClients.size === MAX_KNOWN_CLIENTS) knownClients.clear();
  knownClients.set(name, made);
  return made;
}
