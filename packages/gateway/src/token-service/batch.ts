/** Many tokens in one call: a result for each, in their order, and no item can fail another (MQ-5). */
import { setImmediate } from 'node:timers/promises';
import type { RegisteredClient } from './clients/registry.ts';
import type { Exchange, ExchangeAnswer } from './exchange.ts';
import { readItemRequest } from './exchange-request.ts';
import { type Introspection, assertMayAsk, askedKind, toIntrospection } from './introspect.ts';
import { OAuthError, assertOAuth, toOAuthError } from './oauth-error.ts';
import { type Subjects, VOUCHER_TOKEN_TYPE } from './subjects.ts';

/** Why an item failed. */
export type ItemError = ReturnType<OAuthError['body']> & { readonly status: number };
/** What a batch is answered with. */
export interface BatchAnswer<Result> {
  readonly results: readonly (Result | ItemError)[];
}

/** Handles the JSON body of one batch. @throws OAuthError (as a rejection) for the batch as a whole */
export type Batch<Result> = (body: JsonBody, caller: RegisteredClient) => Promise<BatchAnswer<Result>>;

/** A body that is a JSON object. */
export type JsonBody = Readonly<Record<string, unknown>>;

/** Items after which others get their turn. */
const TURN = 32;

/** Builds `POST /batch/exchange`: `{"requests": [...]}`, each with the parameters of a token exchange. */
export function createBatchExchange(exchange: Exchange, maxItems: number): Batch<ExchangeAnswer> {
  return async ({ requests }, caller) => {
    const items = readItems(requests, 'requests', maxItems);
    const one = async (item: unknown) => exchange(readItemRequest(item), caller);
    return {
      results: await eachOnce(
        items,
        (some) => Promise.allSettled(some.map(one)),
        (answer) => answer,
      ),
    };
  };
}

/** Builds `POST /batch/verify`: `{"tokens": ["...", ...]}`, answered with introspections. */
export function createBatchVerify(subjects: Subjects, maxItems: number): Batch<Introspection> {
  return async ({ tokens }, { client }) => {
    assertMayAsk(client);
    const items = readItems(tokens, 'tokens', maxItems);
    const ask = (some: readonly unknown[]) => introspectMany(some, subjects);
    return { results: await eachOnce(items, ask, (answer) => answer) };
  };
}

async function introspectMany(tokens: readonly unknown[], subjects: Subjects) {
  const kinds = tokens.map((token) => (typeof token === 'string' ? askedKind(token) : undefined));
  const outcomes: PromiseSettledResult<Introspection>[] = tokens.map(() => notText());
  for (const kind of ['external', 'txn'] as const) {
    const places = kinds.flatMap((of, index) => (of === kind ? [index] : []));
    const verified = await subjects.verifyMany(
      kind,
      places.map((index) => tokens[index] as string),
    );
    const answers = await Promise.allSettled(verified.map(async (outcome) => toIntrospection(outcome, kind)));
    for (const [position, index] of places.entries()) outcomes[index] = answers[position]!;
  }
  return outcomes;
}

function notText(): PromiseRejectedResult {
  return { status: 'rejected', reason: new OAuthError('invalid_request', 'A token must be a string') };
}

function readItems(value: unknown, name: string, maxItems: number): readonly unknown[] {
  assertOAuth(Array.isArray(value), 'invalid_request', `${name} must be a list`);
  assertOAuth(value.length <= maxItems, 'invalid_request', `${name} has more than ${maxItems} items`);
  return value;
}

// Equal items are done once: their answers would be as good as each other.
async function eachOnce<Done, Result extends object>(
  items: readonly unknown[],
  work: (some: readonly unknown[]) => Promise<readonly PromiseSettledResult<Done>[]>,
  show: (done: Done) => Result,
): Promise<readonly (Result | ItemError)[]> {
  const places = new Map<string, number>();
  const unique: unknown[] = [];
  const placeOf = items.map((item, index) => {
    // A voucher is for one message, however alike two of them are.
    const key = asksForVoucher(item) ? `${index}` : keyOf(item);
    const known = places.get(key);
    if (known !== undefined) return known;
    places.set(key, unique.length);
    return unique.push(item) - 1;
  });
  const results: (Result | ItemError)[] = [];
  for (let start = 0; start < unique.length; start += TURN) {
    for (const outcome of await work(unique.slice(start, start + TURN))) {
      results.push(outcome.status === 'fulfilled' ? show(outcome.value) : toItemError(outcome.reason));
    }
    await setImmediate();
  }
  return placeOf.map((place) => results[place]!);
}

function asksForVoucher(item: unknown): boolean {
  return (item as { requested_token_type?: unknown } | null)?.requested_token_type === VOUCHER_TOKEN_TYPE;
}

function keyOf(item: unknown): string {
  try {
    return JSON.stringify(item);
  } catch {
    // Nested beyond the stack: refused one by one.
    return '';
  }
}

function toItemError(thrown: unknown): ItemError {
  const error = toOAuthError(thrown);
  return { ...error.body(), status: error.status };
}
