/** The fields of a request as HTTP/2 has them. */
import type { OutgoingHttpHeaders } from 'node:http2';
import type { UpstreamProtocol } from '../config/sections/upstreams.ts';
import type { TargetRequest } from './target.ts';

/** Adds the pseudo-header fields; names become lower case (RFC 9113 sections 8.2.1 and 8.3.1). */
export function http2Headers({ method, path, headers }: TargetRequest, protocol: UpstreamProtocol): OutgoingHttpHeaders {
  // Node adds the scheme and the authority of the connection.
  const fields: OutgoingHttpHeaders = { ':method': method, ':path': path };
  for (let index = 0; index < headers.length; index += 2) add(fields, headers[index]!.toLowerCase(), headers[index + 1]!);
  // gRPC servers refuse calls of which they cannot be sure that trailers arrive (gRPC over HTTP/2, section "Requests").
  if (protocol === 'grpc') fields.te = 'trailers';
  return fields;
}

function add(fields: OutgoingHttpHeaders, name: string, value: string): void {
  const before = fields[name];
  if (before === undefined) fields[name] = value;
  else if (Array.isArray(before)) before.push(value);
  else fields[name] = [String(before), value];
}
