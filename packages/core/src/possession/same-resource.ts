/** Whether two addresses mean the same resource (RFC 9449 section 4.3: syntax- and scheme-based normalization of RFC 3986). */

/** Compares without query and fragment. False for anything that is not an http: or https: URL. */
export function isSameResource(left: string, right: string): boolean {
  const [one, other] = [normalize(left), normalize(right)];
  return one !== undefined && one === other;
}

// The parser lowers case of scheme and host, drops default ports, resolves dots. Percent-encoding is left to us.
function normalize(address: string): string | undefined {
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return undefined;
  return url.origin + url.pathname.replaceAll(/%[0-9A-Fa-f]{2}/g, unescapeUnreserved);
}

// RFC 3986 section 6.2.2: hex digits are capitals, and what need not be escaped is not.
function unescapeUnreserved(triplet: string): string {
  const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
  return /[A-Za-z0-9\-._~]/.test(character) ? character : triplet.toUpperCase();
}
