/** Public surface of @watchword/fastify. */
export { type WatchwordOptions, watchword } from './plugin.ts';
export type { WatchwordRouteConfig } from './route-config.ts';
