/** JSON as security needs it: one object, UTF-8, no duplicate names, bounded depth, frozen, without prototypes. */
import { WatchwordError } from '../errors.ts';
import type { JsonObject } from '../verify/verified-token.ts';
import { type ShareString, isCommon } from './shared-strings.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Parses a JOSE header or a claims set (RFC 7519 section 7.2). Duplicate names are refused at any depth, because two parsers
 * would read two different claims (B8, JO-3); so are lone surrogates (B9) and the name `__proto__` (B10).
 * @param maxDepth nested objects and arrays allowed, the outermost one included (F7)
 * @param share for tokens that are proven only: others must not fill what it keeps
 * @throws WatchwordError `json_invalid`
 */
export function parseStrictObject(bytes: Uint8Array, maxDepth: number, share?: ShareString): JsonObject {
  const text = decode(bytes);
  // Counted before parsing, so that depth costs nothing, and compared after it: JSON.parse keeps the last of two equal names.
  const memberCount = countMembers(text, maxDepth);
  const value = parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new WatchwordError('json_invalid', 'Not a JSON object');
  }
  const members = seal(value, { share, hasEscapes: text.includes('\\') });
  if (members !== memberCount) throw new WatchwordError('json_invalid', 'A member name stands twice in one object');
  return value as JsonObject;
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new WatchwordError('json_invalid', 'Not UTF-8');
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message would quote the token.
    throw new WatchwordError('json_invalid', 'Not JSON');
  }
}

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

// Outside of strings each colon is one member. Whatever is not JSON is left to JSON.parse to refuse.
function countMembers(text: string, maxDepth: number): number {
  let members = 0;
  let depth = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) {
      index = endOfString(text, index);
    } else if (code === COLON) {
      members += 1;
    } else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > maxDepth) throw new WatchwordError('json_invalid', `Nested deeper than ${maxDepth}`);
    } else if (code === 0x7d || code === 0x5d) {
      depth -= 1;
    }
  }
  return members;
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end > 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end;
}

function isEscaped(text: string, index: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(index - 1 - backslashes) === BACKSLASH) backslashes += 1;
  return backslashes % 2 === 1;
}

/** What {@link seal} goes by. */
interface Sealing {
  readonly share: ShareString | undefined;
  /** Text that was UTF-8 has lone surrogates only where an escape makes them. */
  readonly hasEscapes: boolean;
}

// Freezes everything, takes prototypes away and counts the members that are left.
function seal(value: object, sealing: Sealing): number {
  return Array.isArray(value) ? sealList(value, sealing) : sealObject(value as Record<string, unknown>, sealing);
}

// By index: the names of a list's places would be a string each.
function sealList(list: unknown[], sealing: Sealing): number {
  let members = 0;
  for (let index = 0; index < list.length; index += 1) {
    const item = list[index];
    if (typeof item === 'object' && item !== null) members += seal(item, sealing);
    else if (typeof item === 'string') list[index] = sealText(list, '', item, sealing);
  }
  Object.freeze(list);
  return members;
}

function sealObject(object: Record<string, unknown>, sealing: Sealing): number {
  const names = Object.keys(object);
  let members = names.length;
  for (const name of names) {
    if (name === '__proto__') throw new WatchwordError('json_invalid', 'A member is named __proto__');
    if (sealing.hasEscapes && !name.isWellFormed()) throw new WatchwordError('json_invalid', 'A member name is not Unicode');
    const child = object[name];
    if (typeof child === 'object' && child !== null) members += seal(child, sealing);
    else if (typeof child === 'string') {
      const text = sealText(object, name, child, sealing);
      if (sealing.share !== undefined) object[name] = text;
    }
  }
  Object.setPrototypeOf(object, null);
  Object.freeze(object);
  return members;
}

function sealText(holder: object, name: string, text: string, { share, hasEscapes }: Sealing): string {
  if (hasEscapes && !text.isWellFormed()) throw new WatchwordError('json_invalid', 'A string is not Unicode');
  return share !== undefined && isCommon(holder, name, text) ? share(text) : text;
}
