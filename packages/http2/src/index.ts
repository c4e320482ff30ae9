/** Public surface of @watchword/http2. */
export { type TableSettings, type Traffic, tableSettingsFor } from './tables.ts';
export { clientOptions, connect } from './connect.ts';
export { type ConnectionLimits, serverOptions } from './server-options.ts';
export { type Indexing, type IndexingOptions, createIndexing } from './indexing.ts';
