/** Many tokens in one call: a result for each, in their order, and no item can fail another (MQ-5). */
import { setImmediate } from 'node:timers/promises';
import type { VerifiedToken } from '@watchword/core';
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

/** Items after which others get their turn: each is signed. */
const TURN = 32;
/** The same for items that are only shown. */
const SHOWN_AT_ONCE = 256;

/**
 * Builds `POST /batch/exchange`: `{"requests": [...]}`, each with the parameters of a token exchange.
 * @param exchange with gathered subjects, so that the tokens of many items are verified together
 */
export function createBatchExchange(exchange: Exchange, maxItems: number): Batch<ExchangeAnswer> {
  return async ({ requests }, caller) => {
    const items = readItems(requests, 'requests', maxItems);
    const one = async (item: unknown) => exchange(readItemRequest(item), caller);
    return { results: await eachOnce(items, (some) => Promise.allSettled(some.map(one))) };
  };
}

/** Builds `POST /batch/verify`: `{"tokens": ["...", ...]}`, answered with introspections. */
export function createBatchVerify(subjects: Subjects, maxItems: number): Batch<Introspection> {
  return async ({ tokens }, { client }) => {
    assertMayAsk(client);
    return { results: await introspectMany(readItems(tokens, 'tokens', maxItems), subjects) };
  };
}

async function introspectMany(tokens: readonly unknown[], subjects: Subjects): Promise<readonly (Introspection | ItemError)[]> {
  const kinds = tokens.map((token) => (typeof token === 'string' ? askedKind(token) : undefined));
  const results: (Introspection | ItemError)[] = tokens.map(() => toItemError(NOT_TEXT));
  for (const kind of ['external', 'txn'] as const) {
    const places = kinds.flatMap((of, index) => (of === kind ? [index] : []));
    const verified = await subjects.verifyMany(
      kind,
      places.map((index) => tokens[index] as string),
    );
    for (const [position, index] of places.entries()) {
      results[index] = introspectionOf(verified[position]!, kind);
      if (position % SHOWN_AT_ONCE === SHOWN_AT_ONCE - 1) await setImmediate();
    }
  }
  return results;
}

const NOT_TEXT = new OAuthError('invalid_request', 'A token must be a string');

function introspectionOf(outcome: PromiseSettledResult<VerifiedToken>, kind: 'external' | 'txn'): Introspection | ItemError {
  try {
    return toIntrospection(outcome, kind);
  } catch (thrown) {
    return toItemError(thrown);
  }
}

function readItems(value: unknown, name: string, maxItems: number): readonly unknown[] {
  assertOAuth(Array.isArray(value), 'invalid_request', `${name} must be a list`);
  assertOAuth(value.length <= maxItems, 'invalid_request', `${name} has more than ${maxItems} items`);
  return value;
}

// Equal items are done once: their answers would be as good as each other.
async function eachOnce<Result extends object>(
  items: readonly unknown[],
  work: (some: readonly unknown[]) => Promise<readonly PromiseSettledResult<Result>[]>,
): Promise<readonly (Result | ItemError)[]> {
  const places = new Map<string, number>();
  const unique: unknown[] = [];
  const placeOf = items.map((item, index) => {
    // A voucher is for one message, however alike two of them are.
    const key = asksForVoucher(item) ? `voucher ${index}` : keyOf(item);
    const known = places.get(key);
    if (known !== undefined) return known;
    places.set(key, unique.length);
    return unique.push(item) - 1;
  });
  const results: (Result | ItemError)[] = [];
  for (let start = 0; start < unique.length; start += TURN) {
    for (const outcome of await work(unique.slice(start, start + TURN))) {
      results.push(outcome.status === 'fulfilled' ? outcome.value : toItemError(outcome.reason));
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
