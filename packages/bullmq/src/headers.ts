/** The headers of a job. BullMQ has none by itself: they are a member of the job's options, beside the data and never inside it. */
import { withoutIdentityHeaders } from '@watchword/core';

/** Options of a job that may have headers. */
export interface WithHeaders {
  headers?: Readonly<Record<string, unknown>>;
}

/** The headers in options, whatever somebody put there. */
export function headersOf(options: object | undefined): Readonly<Record<string, unknown>> {
  const { headers } = (options ?? {}) as { readonly headers?: unknown };
  return typeof headers === 'object' && headers !== null && !Array.isArray(headers) ? (headers as Record<string, unknown>) : {};
}

/** The same options with these headers in place of ours; without any, the options have no such member. */
export function withHeaders<Options extends object>(
  options: Options | undefined,
  ours: Readonly<Record<string, string>>,
): Options {
  const { headers: _given, ...rest } = { ...options } as Options & WithHeaders;
  const headers = { ...withoutIdentityHeaders(headersOf(options)), ...ours };
  return (Object.keys(headers).length === 0 ? rest : { ...rest, headers }) as Options;
}
