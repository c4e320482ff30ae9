/** Public surface of @watchword/http2. */
export { type TableSettings, type Traffic, tableSettingsFor } from './tables.ts';
export { clientOptions, connect } from './connect.ts';
export { type ConnectionLimits, serverOptions } from './server-options.ts';
export { type HeaderLimits, headerListBytes, watchHeaders } from './header-watch.ts';
export { type Indexing, type IndexingOptions, createIndexing } from './indexing.ts';
export { type Http2RequestListener, type RequestHandler, anonymous, protect } from './protect.ts';
export { type StreamHandler, type StreamListener, anonymousStream, protectStream } from './protect-stream.ts';
export { type Http2Client, type Http2ClientOptions, createHttp2Client } from './client.ts';
export { type Http2Dispatcher, type Http2DispatcherOptions, createDispatcherFactory } from './undici-dispatcher.ts';
export {
  type CountedSocket,
  HOP_CONNECTION_CHANNEL,
  type HopConnection,
  type HopMeter,
  type HopTotals,
  createHopMeter,
  headerBytesPerRequest,
} from './hop-meter.ts';
