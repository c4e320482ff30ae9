/** Public surface of @watchword/fetch. */
export { type Fetch, createFetch } from './create-fetch.ts';
export { type Dispatch, type DispatchOptions, type Interceptor, type PropagateOptions, propagate } from './propagate.ts';
export {
  type ExchangeClient,
  type ExchangeInput,
  type ExchangedToken,
  createExchangeClient,
} from './exchange/exchange-client.ts';
export { type VoucherClient, type VoucherClientOptions, createVoucherClient } from './exchange/voucher-client.ts';
export { ExchangeError } from './exchange/exchange-error.ts';
export type { ExchangeClientOptions, ExchangeCredentials } from './exchange/exchange-options.ts';
