/** The compact serialization (RFC 7515 section 3.1): three segments, nothing else. */
import { WatchwordError } from '../errors.ts';
import type { JoseHeader, JsonObject } from '../verify/verified-token.ts';
import { decodeBase64url } from './base64url.ts';
import { parseStrictObject } from './strict-json.ts';

/** A token taken apart. Nothing in it is verified. */
export interface CompactJws {
  readonly header: JoseHeader;
  /** The first segment. */
  readonly headerSegment: string;
  /** What was signed: header and payload segments with the dot between them. */
  readonly signingInput: string;
  /** The second segment, not decoded yet. */
  readonly payloadSegment: string;
  readonly signature: Buffer;
}

/** Default size limit of a token, in characters (F6, JO-17). */
export const DEFAULT_MAX_TOKEN_BYTES = 8192;

const MAX_HEADER_DEPTH = 16;

/**
 * Checks the size. The first check of all, before anything looks inside (invariant 4).
 * @throws WatchwordError `token_malformed` for anything but a string, `token_too_large`
 */
export function assertTokenSize(token: unknown, maxTokenBytes: number): asserts token is string {
  if (typeof token !== 'string') throw new WatchwordError('token_malformed', 'A token is a string');
  if (token.length > maxTokenBytes)
    throw new WatchwordError('token_too_large', `The token has more than ${maxTokenBytes} characters`);
}

/** Headers kept: one for each signing key in use, with room for a rotation. */
const MAX_KNOWN_HEADERS = 64;

/** Headers that have been read before, by segment: all tokens of one key have the same. What is kept, the caller decides. */
export class KnownHeaders {
  // Lists and no Map: V8 keeps a copy of each text that a Map is asked for, and strangers may send another one each time.
  readonly #segments: string[] = [];
  readonly #headers: JoseHeader[] = [];

  find(segment: string): JoseHeader | undefined {
    const place = this.#segments.indexOf(segment);
    return place < 0 ? undefined : this.#headers[place];
  }

  /** Saves parsing the header again. */
  remember({ headerSegment, header }: CompactJws): void {
    if (this.#segments.includes(headerSegment)) return;
    if (this.#segments.length >= MAX_KNOWN_HEADERS) this.#segments.length = this.#headers.length = 0;
    this.#segments.push(headerSegment);
    this.#headers.push(header);
  }
}

/** The first segment of a token; none: nothing. */
export function headerSegmentOf(token: string): string {
  return token.slice(0, Math.max(0, token.indexOf('.')));
}

/**
 * Takes a token apart and reads its header. The caller has checked the size.
 * @throws WatchwordError `token_malformed`, `json_invalid`, `header_invalid`, `critical_header`
 */
export function parseCompact(token: string, known?: KnownHeaders): CompactJws {
  const first = token.indexOf('.');
  const second = token.indexOf('.', first + 1);
  // Five segments would be a JWE (A10), a brace the JSON serialization (A11): both end here or at the alphabet.
  if (first < 1 || second < 0 || token.indexOf('.', second + 1) >= 0) {
    throw new WatchwordError('token_malformed', 'A token has three segments');
  }
  const headerSegment = token.slice(0, first);
  return {
    header: known?.find(headerSegment) ?? parseHeader(headerSegment),
    headerSegment,
    signingInput: token.slice(0, second),
    payloadSegment: token.slice(first + 1, second),
    signature: decodeBase64url(token.slice(second + 1)),
  };
}

function parseHeader(segment: string): JoseHeader {
  const header = parseStrictObject(decodeBase64url(segment), MAX_HEADER_DEPTH);
  // No extension is implemented, so every crit names something that is not understood, or is malformed (A8, JO-4). b64 is
  // only legal together with crit, and never in a JWT (JO-5).
  if ('crit' in header || 'b64' in header) throw new WatchwordError('critical_header');
  assertHeaderTypes(header);
  return header;
}

function assertHeaderTypes(header: JsonObject): asserts header is JoseHeader {
  const { alg, typ, kid } = header;
  if (typeof alg !== 'string' || alg === '') throw new WatchwordError('header_invalid', 'alg: must be a string');
  if (typ !== undefined && typeof typ !== 'string') throw new WatchwordError('header_invalid', 'typ: must be a string');
  if (kid !== undefined && (typeof kid !== 'string' || kid === '' || kid.length > 256)) {
    throw new WatchwordError('header_invalid', 'kid: must be a string of 1 to 256 characters');
  }
}
