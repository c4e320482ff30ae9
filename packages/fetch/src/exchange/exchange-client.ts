/** Exchanges tokens at a token service: many at a time in one call, equal ones once. */
import { type JsonObject, assertConfig } from '@watchword/core';
import { Coalescer } from './coalescer.ts';
import { ExchangeError, refused } from './exchange-error.ts';
import { type ExchangeClientOptions, type ExchangeSettings, readExchangeOptions } from './exchange-options.ts';

/** What is to be exchanged. */
export interface ExchangeInput {
  readonly subjectToken: string;
  /** Last part of the type's URN. Default `access_token`; `txn_token` for a replacement that narrows. */
  readonly subjectTokenType?: 'access_token' | 'jwt' | 'txn_token' | 'self_signed';
  /** Scope values, separated by spaces. */
  readonly scope: string;
  readonly requestContext?: JsonObject;
  readonly requestDetails?: JsonObject;
}

/** What comes out. */
export interface ExchangedToken {
  readonly token: string;
  /** By the clock here, in Unix milliseconds, counted from before it was asked for. */
  readonly expiresAtMs: number;
  readonly scope: string;
}

/** A client of a token service. */
export interface ExchangeClient {
  /** @throws ExchangeError (as a rejection): `error` says what the token service said */
  exchange(input: ExchangeInput): Promise<ExchangedToken>;
  /** Calls made, exchanges sent in them, and answers that were there or on their way. */
  stats(): { readonly calls: number; readonly sent: number; readonly shared: number; readonly reused: number };
  /** Refuses what waits and whatever comes later. */
  close(): void;
}

/** Makes a client. @throws WatchwordError `config_invalid` naming the option */
export function createExchangeClient(options: ExchangeClientOptions): ExchangeClient {
  return new CoalescingClient(readExchangeOptions(options));
}

interface Remembered extends ExchangedToken {
  readonly fromMs: number;
  readonly untilMs: number;
}

const TYPE = 'urn:ietf:params:oauth:token-type:';

class CoalescingClient implements ExchangeClient {
  readonly #settings: ExchangeSettings;
  readonly #coalescer: Coalescer;
  readonly #underWay = new Map<string, Promise<ExchangedToken>>();
  /** By the whole request: nothing shorter would tell two of them apart for sure (D1, D2). */
  readonly #remembered = new Map<string, Remembered>();
  #shared = 0;
  #reused = 0;

  constructor(settings: ExchangeSettings) {
    this.#settings = settings;
    this.#coalescer = new Coalescer(settings);
  }

  async exchange(input: ExchangeInput): Promise<ExchangedToken> {
    const item = encode(input, this.#settings.audience);
    const known = this.#find(item);
    if (known !== undefined) return known;
    const same = this.#underWay.get(item);
    if (same !== undefined) {
      this.#shared += 1;
      return same;
    }
    const answer = this.#ask(item);
    this.#underWay.set(item, answer);
    try {
      return await answer;
    } finally {
      this.#underWay.delete(item);
    }
  }

  stats(): ReturnType<ExchangeClient['stats']> {
    const { calls, sent } = this.#coalescer;
    return { calls, sent, shared: this.#shared, reused: this.#reused };
  }

  close(): void {
    this.#coalescer.close();
    this.#remembered.clear();
  }

  async #ask(item: string): Promise<ExchangedToken> {
    const askedAtMs = this.#settings.clock();
    const exchanged = decode(await this.#coalescer.ask(item), askedAtMs);
    this.#remember(item, exchanged, askedAtMs);
    return exchanged;
  }

  #find(item: string): ExchangedToken | undefined {
    const known = this.#remembered.get(item);
    if (known === undefined) return undefined;
    const nowMs = this.#settings.clock();
    // A clock that stepped back would stretch the window.
    if (!(nowMs >= known.fromMs && nowMs < known.untilMs)) {
      this.#remembered.delete(item);
      return undefined;
    }
    this.#reused += 1;
    return { token: known.token, expiresAtMs: known.expiresAtMs, scope: known.scope };
  }

  #remember(item: string, exchanged: ExchangedToken, fromMs: number): void {
    const { reuseWindowSeconds, maxRemembered } = this.#settings;
    if (reuseWindowSeconds === 0) return;
    this.#remembered.delete(item);
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size < maxRemembered) break;
      this.#remembered.delete(oldest);
    }
    // Not in its last second: it has a way to go.
    const untilMs = Math.min(fromMs + reuseWindowSeconds * 1000, exchanged.expiresAtMs - 1000);
    this.#remembered.set(item, { ...exchanged, fromMs, untilMs });
  }
}

function encode(input: ExchangeInput, audience: string): string {
  const { subjectToken, subjectTokenType = 'access_token', scope, requestContext, requestDetails } = input;
  assertConfig(typeof scope === 'string' && scope !== '', 'exchange.scope: must be a non-empty string');
  // One that could not be a token does not take part in a call with others.
  const isToken = typeof subjectToken === 'string' && /^[\x21-\x7e]{1,65536}$/.test(subjectToken);
  if (!isToken) throw new ExchangeError('token_malformed', 'The subject token has characters that no token has');
  return JSON.stringify({
    subject_token: subjectToken,
    subject_token_type: `${TYPE}${subjectTokenType}`,
    requested_token_type: `${TYPE}txn_token`,
    audience,
    scope,
    request_context: requestContext,
    request_details: requestDetails,
  });
}

function decode(result: unknown, askedAtMs: number): ExchangedToken {
  const members = (result ?? {}) as Readonly<Record<string, unknown>>;
  if (members.error !== undefined) throw refused(members.error, Number(members.status));
  const { access_token: token, issued_token_type: type, expires_in: seconds, scope } = members;
  const isGood =
    type === `${TYPE}txn_token` &&
    typeof token === 'string' &&
    /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token) &&
    typeof seconds === 'number' &&
    seconds > 0 &&
    typeof scope === 'string';
  if (!isGood) throw new ExchangeError('upstream_unavailable', 'The token service gave a result that is no Txn-Token');
  return { token, expiresAtMs: askedAtMs + seconds * 1000, scope };
}
