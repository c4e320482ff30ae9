/** Public surface of @watchword/fetch. */
export { createFetch } from './create-fetch.ts';
export { type Dispatch, type DispatchOptions, type Interceptor, type PropagateOptions, propagate } from './propagate.ts';
