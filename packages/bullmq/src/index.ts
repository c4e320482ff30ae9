/** Public surface of @watchword/bullmq. */
export { TXN_TOKEN_HEADER } from '@watchword/core';
