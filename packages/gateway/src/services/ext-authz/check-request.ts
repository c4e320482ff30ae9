/** Reads the fields of `envoy.service.auth.v3.CheckRequest` that a decision needs (XA-2). */
import { WatchwordError } from '@watchword/core';
import { ReportedFields } from '../reported-fields.ts';
import type { ReportedRequest } from '../judge.ts';
import { WireError, WireReader } from './wire-reader.ts';

/** @throws WatchwordError `request_malformed`, `header_forbidden`, `token_ambiguous` */
export function readCheckRequest(bytes: Buffer): ReportedRequest {
  try {
    const http = new HttpRequestReader();
    http.readCheck(new WireReader(bytes));
    return http.toRequest();
  } catch (thrown) {
    if (!(thrown instanceof WireError)) throw thrown;
    throw new WatchwordError('request_malformed', `The CheckRequest cannot be read: ${thrown.message}`);
  }
}

// Numbers of the fields, from envoy/service/auth/v3/{external_auth,attribute_context}.proto and envoy/config/core/v3/base.proto.
const CHECK_ATTRIBUTES = 1;
const ATTRIBUTES_REQUEST = 4;
const REQUEST_HTTP = 2;
const HTTP = { method: 2, headers: 3, path: 4, host: 5, headerMap: 13 } as const;
const HEADER_MAP_HEADERS = 1;
const HEADER = { key: 1, value: 2, rawValue: 3 } as const;

class HttpRequestReader {
  #method: string | undefined = undefined;
  #path: string | undefined = undefined;
  #host: string | undefined = undefined;
  readonly #fields: string[] = [];

  readCheck(check: WireReader): void {
    eachMessage(check, CHECK_ATTRIBUTES, (attributes) =>
      eachMessage(attributes, ATTRIBUTES_REQUEST, (request) =>
        eachMessage(request, REQUEST_HTTP, (http) => this.#readHttp(http)),
      ),
    );
  }

  toRequest(): ReportedRequest {
    const headers = ReportedFields.of(this.#fields, isOfEnvoy);
    return {
      method: required(this.#method, 'method'),
      host: required(this.#host, 'host'),
      target: required(this.#path, 'path'),
      headers,
    };
  }

  #readHttp(http: WireReader): void {
    while (http.next()) {
      if (http.field === HTTP.method) this.#method = once(this.#method, http);
      else if (http.field === HTTP.path) this.#path = once(this.#path, http);
      else if (http.field === HTTP.host) this.#host = once(this.#host, http);
      // A map is a list of messages with the same numbers as a HeaderValue has.
      else if (http.field === HTTP.headers) this.#readHeader(http.message());
      else if (http.field === HTTP.headerMap) {
        eachMessage(http.message(), HEADER_MAP_HEADERS, (header) => this.#readHeader(header));
      } else http.skip();
    }
  }

  #readHeader(header: WireReader): void {
    let name = '';
    let value = '';
    while (header.next()) {
      if (header.field === HEADER.key) name = header.text();
      // Bytes as the proxy has them, so that what is decided on is what goes on (E14).
      else if (header.field === HEADER.value || header.field === HEADER.rawValue) value = header.latin1() || value;
      else header.skip();
    }
    // Pseudo-header fields are told by name as well.
    if (!name.startsWith(':')) this.#fields.push(name, value);
  }
}

/**
 * Fields that Envoy sets or cleans itself, so that they are not the client's: config/core http_connection_manager, "HTTP header
 * sanitizing". Only in this one spelling; with `_` they are another field to Envoy, and go.
 */
function isOfEnvoy(name: string): boolean {
  return OF_ENVOY.has(name) || name.startsWith('x-envoy-');
}

const OF_ENVOY: ReadonlySet<string> = new Set(['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-client-cert']);

function eachMessage(reader: WireReader, field: number, read: (message: WireReader) => void): void {
  while (reader.next()) {
    if (reader.field === field) read(reader.message());
    else reader.skip();
  }
}

function once(before: string | undefined, reader: WireReader): string {
  // The last one would count to other parsers; nobody who describes one request says it twice.
  if (before !== undefined) throw new WireError('A field of the request stands twice');
  return reader.text();
}

function required(value: string | undefined, name: string): string {
  if (value === undefined || value === '') throw new WireError(`The request has no ${name}`);
  return value;
}
