/** Refuses HMAC secrets that can be guessed, and public keys in a secret's clothes (A2, A15, JB-7, JO-10). */
import { assertConfig } from '../errors.ts';

/**
 * Checks a secret before it becomes a key.
 * @param minimumBytes the hash size of the algorithm (RFC 7518 section 3.2)
 * @throws WatchwordError `config_invalid` with the reason; never with the secret
 */
export function assertStrongSecret(secret: Uint8Array, minimumBytes: number): void {
  assertConfig(secret.length >= minimumBytes, `secret: must have at least ${minimumBytes} bytes (has ${secret.length})`);
  const text = Buffer.from(secret).toString('latin1');
  assertConfig(!looksLikeKeyMaterial(secret, text), 'secret: is the text or the encoding of a key, not a secret');
  assertConfig(!isRepetitive(text), 'secret: repeats itself');
  assertConfig(!isMadeOfWords(text), 'secret: is made of words and sequences that can be guessed; use random bytes');
}

// A public key is no secret: with it as HMAC key everybody could sign (A2). Looked for anywhere in the bytes, so that white
// space, invisible characters or a byte order mark in front change nothing.
function looksLikeKeyMaterial(secret: Uint8Array, text: string): boolean {
  if (/-----\s*(BEGIN|END)|ssh-(rsa|ed25519|dss)|ecdsa-sha2|"kty"|"keys"\s*:/i.test(text)) return true;
  const base64 = text.replaceAll(/[^A-Za-z0-9+/_-]/g, '');
  return hasKeyStructure(Buffer.from(secret)) || hasKeyStructure(Buffer.from(base64, 'base64'));
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

function isRepetitive(text: string): boolean {
  // 32 random bytes hold about 30 different ones, and 64 hexadecimal digits about 16; 8 is out of reach for chance.
  if (new Set(text).size < 9) return true;
  const half = text.length / 2;
  for (let period = 1; period <= half; period += 1) {
    if (text.startsWith(text.slice(0, text.length - period), 0) && text.slice(period) === text.slice(0, text.length - period)) return true;
  }
  return false;
}

// What is left of the text once everything guessable is taken out must still be a secret of 16 characters.
function isMadeOfWords(text: string): boolean {
  if (/[^\x20-\x7e]/.test(text)) return false;
  return [text, decodedText(text, 'base64'), decodedText(text, 'hex')].some((form) => form !== undefined && remainder(form).length < 16);
}

function decodedText(text: string, encoding: 'base64' | 'hex'): string | undefined {
  const bytes = Buffer.from(text, encoding);
  const decoded = bytes.toString('latin1');
  return bytes.length >= 12 && !/[^\x20-\x7e]/.test(decoded) ? decoded : undefined;
}

function remainder(text: string): string {
  let rest = text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  for (const [digit, letter] of LEET) rest = rest.replaceAll(digit, letter);
  for (const word of WORDS) rest = rest.replaceAll(word, '');
  return rest.replaceAll(/(.)\1+/g, '$1');
}

const LEET = [['0', 'o'], ['1', 'i'], ['3', 'e'], ['4', 'a'], ['5', 's'], ['7', 't']] as const;

/** Words that people put into secrets, longest first, spelled as they look after the digits have been read as letters. */
const WORDS: readonly string[] = (
  'secret secrets secretkey password passwort passphrase passwd pass private public token tokens jsonwebtoken webtoken json jwt jws ' +
  'access refresh session cookie auth authentication authorization authenticate oauth openid login logon user users username admin ' +
  'administrator root system server service client application app api backend frontend web website site http https www com org net ' +
  'key keys signing signature sign signer verify encryption encrypt crypto cipher hash hmac sha sha256 hs256 hs384 hs512 bit bits byte ' +
  'bytes salt default example sample demo test testing tests tester dev develop developer development prod production staging stage ' +
  'local localhost host change changeme changeit change this please replace insert your yours here must should with some very super ' +
  'ultra mega extra long longer longest strong stronger strongest secure secured security safe safety random randomly string strings text ' +
  'value values generated generate generator unknown nobody knows guess never ever share sharing keep kept hidden hide the and for not ' +
  'that have has are was were can use used using only just more most least less than then from into onto over under this these those ' +
  'hello world welcome foo bar baz qux qwerty qwertz qwertyuiop asdf asdfgh asdfghjkl zxcv zxcvbn zxcvbnm abc abcd abcde abcdef ' +
  'abcdefghijklmnopqrstuvwxyz dragon monkey letmein iloveyou sunshine princess football baseball master superman batman trustno ' +
  'spring springboot boot express node nodejs django flask rails laravel symfony react angular vue next nest graphql mongo mongodb ' +
  'mysql postgres redis database data docker kubernetes cloud aws azure google company corp enterprise project team my me i it is in of ' +
  'to a an at by on or we you our us be do as so if no yes any all one two three four five six seven eight nine ten zero ' +
  'characters character chars char letters letter digits digit number numbers minimum minimal required require at least need needs ' +
  'configuration config settings setting environment env variable variables file store storage vault temp temporary new old good bad'
)
  .split(' ')
  .concat(['oizeasgtbg', 'i2eas6t89o', 'i2eas', '2eas', 'o987', '9876', 'easg', '89'])
  .map((word) => LEET.reduce((text, [digit, letter]) => text.replaceAll(digit, letter), word))
  .sort((left, right) => right.length - left.length);
