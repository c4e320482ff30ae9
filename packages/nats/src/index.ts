/** Public surface of @watchword/nats. */
export { TXN_TOKEN_HEADER } from '@watchword/core';
