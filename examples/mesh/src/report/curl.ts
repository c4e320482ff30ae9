/** Lines to paste: each shows what the gateway does with one kind of token. */

/** One line and the status that it gives. */
export interface CurlLine {
  readonly title: string;
  readonly status: number;
  readonly line: string;
}

/** The tokens to show. */
export interface ShownTokens {
  readonly good: string;
  readonly expired: string;
  readonly forged: string;
}

/** A line for each token. Prints the answer, and its status on a line of its own. */
export function curlLines(origin: string, { good, expired, forged }: ShownTokens): CurlLine[] {
  const line = (token: string): string =>
    `curl -sS -w '\\n%{http_code}\\n' -H 'Authorization: Bearer ${token}' ${origin}/orders/42`;
  return [
    { title: 'a good token', status: 200, line: line(good) },
    { title: 'an expired token', status: 401, line: line(expired) },
    { title: 'a forged token: another subject under the same signature', status: 401, line: line(forged) },
  ];
}
