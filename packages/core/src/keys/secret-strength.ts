/** Refuses HMAC secrets that can be guessed, and public keys in a secret's clothes (A2, A15, JB-7, JO-10). */
import { assertConfig } from '../errors.ts';
import { guessCost } from './guess-cost.ts';

/**
 * Checks a secret before it becomes a key.
 * @param minimumBytes the hash size of the algorithm (RFC 7518 section 3.2)
 * @throws WatchwordError `config_invalid` with the reason; never with the secret
 */
export function assertStrongSecret(secret: Uint8Array, minimumBytes: number): void {
  assertConfig(secret.length >= minimumBytes, `secret: must have at least ${minimumBytes} bytes (has ${secret.length})`);
  const text = Buffer.from(secret).toString('latin1');
  assertConfig(!looksLikeKey(secret, text), 'secret: is the text or the encoding of a key, not a secret');
  assertConfig(!UUID.test(text.trim()), 'secret: is a UUID, which identifies and is no secret (RFC 9562 section 8)');
  assertConfig(
    !formsOf(text).some(isGuessable),
    'secret: is made of words, sequences or repetitions that can be guessed; use random bytes',
  );
}

const UUID = /^[{(]?[0-9a-f]{8}-?(?:[0-9a-f]{4}-){3}[0-9a-f]{12}[})]?$/i;

// A public key is no secret: with it as HMAC key everybody could sign (A2). Looked for anywhere in the bytes and at each of the
// four alignments of base64, so that white space, comments or a byte order mark in front change nothing.
function looksLikeKey(secret: Uint8Array, text: string): boolean {
  if (/-----\s*(BEGIN|END)|ssh-(rsa|ed25519|dss)|ecdsa-sha2|"kty"|"keys"\s*:/i.test(text)) return true;
  const base64 = text.replaceAll(/[^A-Za-z0-9+/_-]/g, '');
  const hex = text.replaceAll(/[^0-9A-Fa-f]/g, '');
  return (
    hasKeyStructure(Buffer.from(secret)) ||
    [0, 1, 2, 3].some((offset) => hasKeyStructure(Buffer.from(base64.slice(offset), 'base64'))) ||
    [0, 1].some((offset) => hasKeyStructure(Buffer.from(hex.slice(offset), 'hex')))
  );
}

const OBJECT_IDENTIFIERS = [
  '2a864886f70d0101', // RSA
  '2a8648ce3d0201', // EC public key
  '06032b6570', // Ed25519
  '06032b6571', // Ed448
].map((hex) => Buffer.from(hex, 'hex'));

function hasKeyStructure(bytes: Buffer): boolean {
  if (OBJECT_IDENTIFIERS.some((identifier) => bytes.includes(identifier))) return true;
  // RSAPublicKey of PKCS #1 has no identifier: SEQUENCE (long form) of INTEGER (long form).
  for (let at = bytes.indexOf(0x30); at >= 0 && at + 6 < bytes.length; at = bytes.indexOf(0x30, at + 1)) {
    if (bytes[at + 1] === 0x82 && bytes[at + 4] === 0x02 && bytes[at + 5] === 0x82) return true;
  }
  return false;
}

/** What a search for the secret would also try: without padding, backwards, and decoded. */
function formsOf(text: string, depth = 0): readonly string[] {
  const plain = text.replaceAll('\0', '').trim();
  const decoded = depth < 2 ? [decodedText(plain, BASE64, 'base64'), decodedText(plain, HEX, 'hex')] : [];
  return [
    plain,
    [...plain].toReversed().join(''),
    ...decoded.flatMap((form) => (form === undefined ? [] : formsOf(form, depth + 1))),
  ];
}

const BASE64 = /^[\w+/-]+=*$/;
const HEX = /^[0-9a-f]+$/i;

function decodedText(text: string, alphabet: RegExp, encoding: 'base64' | 'hex'): string | undefined {
  if (!alphabet.test(text)) return undefined;
  const decoded = Buffer.from(text, encoding).toString('latin1');
  return /^[\0\t\r\n -~]{8,}$/.test(decoded) ? decoded : undefined;
}

/** Less work than this is not worth the name of a secret: 80 bits have been searched. */
const LEAST_BITS = 80;
/** Random text reaches 0.65 to 0.95 of what its length promises; words, sentences and patterns stay below 0.5. */
const LEAST_SHARE = 0.55;
/** A text is at least as hard to guess as its beginning. */
const JUDGED_LENGTH = 512;

function isGuessable(text: string): boolean {
  const { bits, randomBits } = guessCost(text.slice(0, JUDGED_LENGTH));
  return bits < LEAST_BITS || bits < LEAST_SHARE * randomBits;
}
