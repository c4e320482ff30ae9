/** Watchword for gRPC: server and client interceptors of grpc-js. */

/** Metadata key of the Txn-Token: gRPC is HTTP/2, so it is the same field. */
export const TXN_TOKEN_KEY = 'txn-token';
