/**
 * One canonical path, decided on and forwarded the same (E6). What is not canonical is refused, never repaired: after a repair
 * the edge and the upstream would hold different strings, and that difference is the hole.
 */
import { WatchwordError } from '@watchword/core';

/** Longest request target that is looked at, in characters. */
export const LONGEST_TARGET = 8192;

const SLASH = 0x2f;
const PERCENT = 0x25;
const QUESTION = 0x3f;

// RFC 3986 section 3.3 pchar without `;`, which some servers cut off together with what follows it.
const PATH_CHARACTERS = tableOf("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,=:@/");
const UNRESERVED = tableOf('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~');
const UPPER_HEX = tableOf('0123456789ABCDEF');
// Encoded signs that a server may take for structure: / \ ; and, by decoding twice, %
const ENCODED_STRUCTURE = tableOf('/\\;');

/**
 * The path of an origin-form request target (RFC 9112 section 3.2.1), without its query. The string is a slice of `target`:
 * nothing is decoded, joined or folded.
 * @throws WatchwordError `request_malformed`
 */
export function canonicalPath(target: string): string {
  if (target.length > LONGEST_TARGET) refuse('is too long');
  if (target.charCodeAt(0) !== SLASH) refuse('does not start with a slash');
  const end = scanPath(target);
  assertQuery(target, end);
  return end === target.length ? target : target.slice(0, end);
}

/** Whether a configured path may be compared byte by byte: unreserved characters only, so that it has one spelling. */
export function hasOneSpelling(path: string): boolean {
  for (let index = 0; index < path.length; index += 1) {
    const code = path.charCodeAt(index);
    if (code !== SLASH && UNRESERVED[code] !== 1) return false;
  }
  return true;
}

// Returns where the path ends. Refuses at the first sign that another parser might read in another way.
function scanPath(target: string): number {
  let encoded = false;
  let segment = 1;
  let index = 1;
  for (; index < target.length; index += 1) {
    const code = target.charCodeAt(index);
    if (code === QUESTION) break;
    if (code === SLASH) {
      assertSegment(target, segment, index);
      segment = index + 1;
    } else if (code === PERCENT) {
      assertEscape(target, index);
      encoded = true;
      index += 2;
    } else if (PATH_CHARACTERS[code] !== 1) refuse('holds a character that a path does not have');
  }
  // An empty last segment is a trailing slash.
  if (index > segment) assertSegment(target, segment, index);
  if (encoded) assertUtf8(target.slice(0, index));
  return index;
}

function assertSegment(target: string, start: number, end: number): void {
  const length = end - start;
  if (length === 0) refuse('has an empty segment');
  if (length === 1 && target.charCodeAt(start) === 0x2e) refuse('has a dot segment');
  if (length === 2 && target.charCodeAt(start) === 0x2e && target.charCodeAt(start + 1) === 0x2e) refuse('has a dot segment');
}

function assertEscape(target: string, index: number): void {
  // RFC 3986 section 6.2.2.1: the normal form of an escape has upper-case digits.
  if (UPPER_HEX[target.charCodeAt(index + 1)] !== 1 || UPPER_HEX[target.charCodeAt(index + 2)] !== 1) {
    refuse('has a percent sign without two upper-case hex digits');
  }
  const byte = Number.parseInt(target.slice(index + 1, index + 3), 16);
  if (byte < 0x20 || byte === 0x7f) refuse('encodes a control character');
  if (ENCODED_STRUCTURE[byte] === 1) refuse('encodes a sign that structures paths');
  // Section 6.2.2.2: an escaped unreserved character is another spelling of the character itself.
  if (UNRESERVED[byte] === 1) refuse('encodes a character that needs no encoding');
  if (byte === PERCENT && isHexPair(target, index + 3)) refuse('is encoded twice');
}

function isHexPair(target: string, index: number): boolean {
  return /^[0-9a-f]{2}$/i.test(target.slice(index, index + 2));
}

// Overlong and broken sequences decode to something else, or not at all, depending on who decodes.
function assertUtf8(path: string): void {
  try {
    decodeURIComponent(path);
  } catch {
    refuse('is not UTF-8 when decoded');
  }
}

// The query takes no part in any decision (E7); it only must not end or split the request line.
function assertQuery(target: string, start: number): void {
  for (let index = start; index < target.length; index += 1) {
    const code = target.charCodeAt(index);
    if (code <= 0x20 || code >= 0x7f || code === 0x23) refuse('has a query with a character that a query does not have');
  }
}

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(65_536);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}

function refuse(reason: string): never {
  throw new WatchwordError('request_malformed', `The request target ${reason}`);
}
