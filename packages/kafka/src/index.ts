/** Public surface of @watchword/kafka. */
export { TXN_TOKEN_HEADER } from '@watchword/core';
