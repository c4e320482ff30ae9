/** Ids and digests of requests that are put aside: a store holds no key, address or token that somebody has sent. */
import { hash, randomBytes } from 'node:crypto';

const TIME_LENGTH = 8;
const RANDOM_BYTES = 18;
let random = Buffer.alloc(0);

/** The form of an id. */
export const ID_FORM: RegExp = /^[\w-]{32}$/;

/**
 * A new id: 144 random bits, and in front the time, which whoever is told the id knows. Stores keep ids in order, and write those of
 * one moment in one place.
 */
export function createId(nowMs: number): string {
  if (random.length < RANDOM_BYTES) random = randomBytes(128 * RANDOM_BYTES);
  const time = Math.max(0, Math.floor(nowMs)).toString(36).padStart(TIME_LENGTH, '0').slice(-TIME_LENGTH);
  const id = time + random.toString('base64url', 0, RANDOM_BYTES);
  // Nothing comes twice, and nothing of it stays behind.
  random = random.fill(0, 0, RANDOM_BYTES).subarray(RANDOM_BYTES);
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
