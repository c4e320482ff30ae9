/** The `typ` header parameter as a media type (RFC 7515 section 4.1.9). */

/** Lower-case, and without the `application/` that may be left out (JB-12, AT-1): both spellings become one. */
export function normalizeType(type: string): string {
  // Beyond ASCII, lower-casing makes other characters equal: U+212A KELVIN SIGN becomes k.
  const lower = type.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
  return lower.startsWith('application/') && !lower.includes('/', 12) ? lower.slice(12) : lower;
}
