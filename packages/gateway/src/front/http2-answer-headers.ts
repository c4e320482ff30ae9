/** The fields of an answer in the form that Node's HTTP/2 takes. */
import type { OutgoingHttpHeaders } from 'node:http2';

/** Names become lower case (RFC 9113 section 8.2); a field that comes several times stays several. @param fields name, value, ... */
export function answerHeaders(fields: readonly string[]): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = Object.create(null) as OutgoingHttpHeaders;
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index]!.toLowerCase();
    const value = fields[index + 1]!;
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else headers[name] = Array.isArray(before) ? [...before, value] : [String(before), value];
  }
  return headers;
}
