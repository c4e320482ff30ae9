/** Public surface of @watchword/grpc. */
export { type ServerInterceptorOptions, createServerInterceptor } from './server-interceptor.ts';
export type { MethodRules } from './methods.ts';
export { type Handler, implement } from './implement.ts';
export { type GrpcStatus, toGrpcStatus } from './status.ts';
export { type ClientInterceptorOptions, createClientInterceptor } from './client-interceptor.ts';
export { type HeaderTableOptions, sizeHeaderTables } from './header-tables.ts';
