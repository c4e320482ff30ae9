/** Guards the handlers of an HTTP/2 server, request and response as in node:http. */
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Pipeline } from '@watchword/core';
import { type ProtectOptions, type ProtectedHandler, anonymous as anonymousHttp, protect as protectHttp } from '@watchword/http';

/** A handler; a promise is waited for. */
export type RequestHandler = (req: Http2ServerRequest, res: Http2ServerResponse) => unknown;

/** A listener for `request`. */
export type Http2RequestListener = (req: Http2ServerRequest, res: Http2ServerResponse) => void;

/**
 * Runs `handler` for admitted callers only, as `protect` of `@watchword/http` does: requests of both kinds keep duplicates apart in
 * `rawHeaders`, and responses of both kinds write a problem the same way. So it also guards what `allowHTTP1` lets in.
 * @throws WatchwordError `config_invalid`
 */
export function protect(pipeline: Pipeline, handler: RequestHandler, options: ProtectOptions = {}): Http2RequestListener {
  return protectHttp(pipeline, handler as unknown as ProtectedHandler, options) as unknown as Http2RequestListener;
}

/** Runs a public handler on nobody's behalf, whatever token the caller sends. */
export function anonymous(handler: RequestHandler): Http2RequestListener {
  return anonymousHttp(handler as unknown as ProtectedHandler) as unknown as Http2RequestListener;
}
