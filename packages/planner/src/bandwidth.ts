/** Bytes per second in the two units that people plan with. */

/** A rate of transfer. Decimal units, as networks are sold: 1 MB = 10^6 bytes, 1 Gbit = 10^9 bits. */
export interface Bandwidth {
  readonly megabytesPerSecond: number;
  readonly gigabitsPerSecond: number;
}

/** What `bytesPerRequest` amount to at a rate. */
export function bandwidth(bytesPerRequest: number, requestsPerSecond: number): Bandwidth {
  const bytesPerSecond = bytesPerRequest * requestsPerSecond;
  return { megabytesPerSecond: bytesPerSecond / 1e6, gigabitsPerSecond: (bytesPerSecond * 8) / 1e9 };
}
