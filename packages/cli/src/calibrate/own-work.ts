/** What a service does for itself with each request. */

const DOCUMENT = JSON.stringify(
  Array.from({ length: 60 }, (_value, index) => ({
    id: `article-${index}`,
    title: `Article number ${index}, in several sizes and colours`,
    net: index * 1.25,
    inStock: index % 3 === 0,
    sizes: [index, index + 1, index + 2],
  })),
);

/**
 * Reads a document of 7 kB, changes it and writes it again. Without work of its own a service would have the code and data of Watchword
 * in the processor's caches whenever a request comes, and each step would seem to cost less than it does in life.
 * @returns the length of what was written, so that it is
 */
export function ownWork(): number {
  const articles = JSON.parse(DOCUMENT) as { net: number; title: string }[];
  for (const article of articles) article.net *= 1.19;
  return JSON.stringify(articles.toSorted((left, right) => right.net - left.net)).length;
}
