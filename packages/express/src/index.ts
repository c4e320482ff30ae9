/** Public surface of @watchword/express. */
export { anonymous, requireScopes, watchword } from './middleware.ts';
export { type WatchwordErrorsOptions, watchwordErrors } from './errors.ts';
