/** Strict base64url (RFC 7515 section 2): one spelling for each sequence of bytes. */
import { WatchwordError } from '../errors.ts';

/**
 * Decodes one segment of a token. Node's decoder takes padding, `+`, `/`, white space, junk and non-canonical tails (JO-1); the
 * comparison with the re-encoded bytes refuses all of them at once.
 * @throws WatchwordError `token_malformed`
 */
export function decodeBase64url(segment: string): Buffer {
  const bytes = Buffer.from(segment, 'base64url');
  if (bytes.toString('base64url') !== segment)
    throw new WatchwordError('token_malformed', 'A segment is not canonical base64url');
  return bytes;
}

/** Encodes without padding. */
export function encodeBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}
