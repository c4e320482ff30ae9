/** Numbers for people. */

/** Whole, with separators. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Two significant digits, all digits from 100 on. */
export function short(value: number): string {
  return Math.abs(value) >= 100 ? count(value) : String(Number(value.toPrecision(2)));
}

/** Of 1. */
export function percent(share: number): string {
  return `${share >= 0.99 && share < 0.9995 ? (share * 100).toFixed(1) : short(share * 100)} %`;
}

/** Requests per second. */
export function rate(requestsPerSecond: number): string {
  return `${short(requestsPerSecond)} requests/s`;
}

/** An amount. */
export function money(amount: number, currency: string): string {
  return `${count(amount)} ${currency}`;
}
