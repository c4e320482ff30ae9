/** Gets vouchers for messages and redeems them, at a token service: many at a time in one call. */
import { type ErrorCode, type VoucherIssuer, type VoucherRedeemer, WatchwordError, assertConfig } from '@watchword/core';
import { Coalescer } from './coalescer.ts';
import { type ExchangeClientOptions, readExchangeOptions } from './exchange-options.ts';
import { refused } from './exchange-error.ts';

/** Both sides. A workload may do what the token service lets it do for the topic. */
export interface VoucherClient extends VoucherIssuer, VoucherRedeemer {
  /** Calls made, vouchers sent or asked for in them. */
  stats(): { readonly calls: number; readonly sent: number };
  /** Refuses what waits and whatever comes later. */
  close(): void;
}

/** Options of an exchange client that have a meaning here. */
export type VoucherClientOptions = Omit<ExchangeClientOptions, 'reuseWindowSeconds' | 'maxRemembered'>;

const TXN_TOKEN = 'urn:ietf:params:oauth:token-type:txn_token';
const VOUCHER = 'urn:watchword:token-type:txn_voucher';

/**
 * Makes a client. A call that was not answered is tried again, which may use up one more of the times for which a voucher may be
 * redeemed.
 * @throws WatchwordError `config_invalid` naming the option
 */
export function createVoucherClient(options: VoucherClientOptions): VoucherClient {
  for (const name of ['reuseWindowSeconds', 'maxRemembered']) {
    assertConfig(!Object.hasOwn(options, name), `exchange.${name}: vouchers are not reused`);
  }
  const settings = readExchangeOptions(options);
  const coalescer = new Coalescer(settings);
  const ask = async (subject: string, from: string, to: string, topic: string): Promise<string> => {
    // One that could not be a token does not take part in a call with others.
    if (typeof subject !== 'string' || !COMPACT.test(subject)) throw new WatchwordError('token_malformed');
    const item = {
      subject_token: subject,
      subject_token_type: from,
      requested_token_type: to,
      audience: settings.audience,
      topic,
    };
    return decode(await coalescer.ask(JSON.stringify(item)), to);
  };
  return {
    issue: ({ txnToken, topic }) => ask(txnToken, TXN_TOKEN, VOUCHER, topic),
    redeem: ({ voucher, topic }) => ask(voucher, VOUCHER, TXN_TOKEN, topic),
    stats: () => ({ calls: coalescer.calls, sent: coalescer.sent }),
    close: () => coalescer.close(),
  };
}

const COMPACT = /^[\w-]{1,8192}\.[\w-]{1,8192}\.[\w-]{1,8192}$/;

function decode(result: unknown, wanted: string): string {
  const members = (result ?? {}) as Readonly<Record<string, unknown>>;
  if (members.error !== undefined) throw refusal(members.error, Number(members.status));
  const { access_token: token, issued_token_type: type } = members;
  if (type === wanted && typeof token === 'string' && COMPACT.test(token)) return token;
  throw new WatchwordError('upstream_unavailable', 'The token service gave a result that is not what was asked for');
}

// What is the fault of the token, and what is that of this workload or of the service: a message must not be refused for the latter.
function refusal(error: unknown, status: number): WatchwordError {
  const known: ErrorCode | undefined =
    error === 'invalid_request' ? 'voucher_refused' : error === 'invalid_scope' ? 'scope_insufficient' : undefined;
  return known === undefined ? refused(error, status) : new WatchwordError(known);
}
