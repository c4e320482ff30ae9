/** The fields of a request as HTTP/2 has them. */
import type { OutgoingHttpHeaders } from 'node:http2';
import type { Indexing } from '@watchword/http2';
import type { UpstreamProtocol } from '../config/sections/upstreams.ts';
import type { TargetRequest } from './target.ts';

/** What all requests to one target have in common. */
export interface RequestForm {
  /** Host and port of the target's URL, as HTTP/1.1 has it in Host. */
  readonly authority: string;
  readonly protocol: UpstreamProtocol;
  readonly index: Indexing;
}

/** Adds the pseudo-header fields; names become lower case (RFC 9113 sections 8.2.1 and 8.3.1). */
export function http2Headers(
  { method, path, headers }: TargetRequest,
  { authority, protocol, index }: RequestForm,
): OutgoingHttpHeaders {
  // Node adds the scheme of the connection.
  const fields: OutgoingHttpHeaders = { ':method': method, ':path': path, ':authority': authority };
  for (let at = 0; at < headers.length; at += 2) add(fields, headers[at]!.toLowerCase(), headers[at + 1]!);
  // gRPC servers refuse calls of which they cannot be sure that trailers arrive (gRPC over HTTP/2, section "Requests").
  if (protocol === 'grpc') fields.te = 'trailers';
  return index(fields);
}

function add(fields: OutgoingHttpHeaders, name: string, value: string): void {
  const before = fields[name];
  if (before === undefined) fields[name] = value;
  else if (Array.isArray(before)) before.push(value);
  else fields[name] = [String(before), value];
}
