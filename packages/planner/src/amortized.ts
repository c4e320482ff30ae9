/** What a request costs on average when only the first use of a token is expensive. */

/** Two measurements of one system, and the traffic to predict. Costs per request, in microseconds. */
export interface AmortizedCosts {
  /** When every request brings a token that nobody has seen. */
  readonly onFirstUse: number;
  /** When tokens are used several times ... */
  readonly observed: number;
  /** ... this often. At least 2. */
  readonly observedRequestsPerToken: number;
  /** How often they are used in the traffic to predict. At least 1. */
  readonly requestsPerToken: number;
}

/**
 * The mean cost per request. A further use never comes out below 0, however noisy the measurements were.
 * @throws RangeError when a number of requests is too small to tell first and further uses apart
 */
export function amortizedMicros({ onFirstUse, observed, observedRequestsPerToken, requestsPerToken }: AmortizedCosts): number {
  if (!(observedRequestsPerToken >= 2)) throw new RangeError('observedRequestsPerToken: must be at least 2');
  if (!(requestsPerToken >= 1)) throw new RangeError('requestsPerToken: must be at least 1');
  // observed = (onFirstUse + (n - 1) * onFurtherUse) / n
  const onFurtherUse = Math.max(0, (observed * observedRequestsPerToken - onFirstUse) / (observedRequestsPerToken - 1));
  return (onFirstUse + (requestsPerToken - 1) * onFurtherUse) / requestsPerToken;
}
