/** What the shop sells. The same for every strategy: only the way of knowing the caller differs. */

/** What inventory says about an article. */
export interface Stock {
  readonly sku: string;
  readonly inStock: number;
}

/** What pricing says about an article, in euro cents. */
export interface Price {
  readonly sku: string;
  readonly net: number;
  readonly tax: number;
}

/** What tax says about a country. */
export interface TaxRate {
  readonly country: string;
  readonly percent: number;
}

/** Which service saw which subject: shows that everybody knew the same caller. */
export type SeenBy = Readonly<Record<string, string>>;

/** An answer of a service, with the subjects seen on the way. */
export type Seen<Answer> = Answer & { readonly seenBy: SeenBy };

/** How many of an article are there. */
export function stockOf(sku: string): Stock {
  return { sku, inStock: sku.length * 7 };
}

/** What an article costs before tax, in euro cents. */
export function netPriceOf(sku: string): number {
  return 990 + sku.length * 100;
}

/** The tax rate of a country. */
export function taxRateOf(country: string): TaxRate {
  return { country, percent: country === 'de' ? 19 : 20 };
}

/** A price with its tax. */
export function withTax(sku: string, { percent }: TaxRate): Price {
  const net = netPriceOf(sku);
  return { sku, net, tax: Math.round((net * percent) / 100) };
}
