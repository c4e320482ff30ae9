/** Where the bytes of a token are. Looks, and verifies nothing; runs in a browser too, so that a token need not leave the page. */

/** One claim of a payload. */
export interface ClaimBytes {
  readonly name: string;
  /** Octets that the claim costs in the token: name, value and punctuation, after base64url. */
  readonly bytes: number;
}

/** A token taken apart. */
export interface TokenAnatomy {
  /** Octets of the whole token: one per character. */
  readonly bytes: number;
  readonly headerBytes: number;
  readonly payloadBytes: number;
  readonly signatureBytes: number;
  readonly algorithm: string;
  readonly keyIdLength: number;
  /** The largest first. Together with braces and rounding they are the payload. */
  readonly claims: readonly ClaimBytes[];
  /** The payload. Nobody has verified it. */
  readonly payload: Readonly<Record<string, unknown>>;
}

/** What was given is not a JWT that can be read. */
export class TokenUnreadable extends Error {
  override readonly name = 'TokenUnreadable';
}

/** Takes a compact JWT apart. @throws TokenUnreadable */
export function dissectToken(compact: string): TokenAnatomy {
  const segments = compact.split('.');
  if (segments.length !== 3)
    throw new TokenUnreadable(`A JWT has three segments with dots between them, this has ${segments.length}`);
  const [header, payload, signature] = segments as [string, string, string];
  const head = readObject(header, 'header');
  const claims = readObject(payload, 'payload');
  return {
    bytes: compact.length,
    headerBytes: header.length,
    payloadBytes: payload.length,
    signatureBytes: signature.length,
    algorithm: typeof head.alg === 'string' ? head.alg : 'unknown',
    keyIdLength: typeof head.kid === 'string' ? head.kid.length : 0,
    claims: Object.entries(claims)
      .map(([name, value]) => ({ name, bytes: claimBytes(name, value) }))
      .sort((left, right) => right.bytes - left.bytes || (left.name < right.name ? -1 : 1)),
    payload: claims,
  };
}

/** Octets that a claim costs in a token: `"name":value,` as UTF-8, four characters for every three octets. */
export function claimBytes(name: string, value: unknown): number {
  const text = `${JSON.stringify(name)}:${JSON.stringify(value)},`;
  return Math.round((new TextEncoder().encode(text).length * 4) / 3);
}

function readObject(segment: string, part: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(decode(segment)));
  } catch {
    throw new TokenUnreadable(`The ${part} is not base64url of JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TokenUnreadable(`The ${part} is not a JSON object`);
  return value as Record<string, unknown>;
}

function decode(segment: string): Uint8Array {
  if (!/^[A-Za-z0-9_-]*$/.test(segment)) throw new TypeError('not base64url');
  const text = atob(segment.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
