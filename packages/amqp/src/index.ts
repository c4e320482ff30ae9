/** Public surface of @watchword/amqp. */
export { TXN_TOKEN_HEADER } from '@watchword/core';
