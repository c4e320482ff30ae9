/** Public surface of @watchword/deferred. */
export { TXN_TOKEN_HEADER } from '@watchword/core';
