/** Public surface of @watchword/fetch. */
export { type Fetch, createFetch } from './create-fetch.ts';
export { type Dispatch, type DispatchOptions, type Interceptor, type PropagateOptions, propagate } from './propagate.ts';
