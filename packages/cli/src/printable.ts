/** Text of strangers on a terminal. */

/** Shows control codes, and the marks that turn the direction of what follows or hide it, as what they are. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, (sign) => `\\u${sign.codePointAt(0)!.toString(16).padStart(4, '0')}`);
}
