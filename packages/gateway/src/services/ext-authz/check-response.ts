/** Writes `envoy.service.auth.v3.CheckResponse` (XA-3, XA-4). */
import type { ProblemResponse } from '@watchword/core';
import { lengthField, numberField, toBytes } from './wire-writer.ts';

// Numbers of the fields, from envoy/service/auth/v3/external_auth.proto and envoy/config/core/v3/base.proto.
const CHECK = { status: 1, denied: 2, ok: 3 } as const;
const DENIED = { status: 1, headers: 2, body: 3 } as const;
const OK = { headers: 2, headersToRemove: 5, responseHeadersToAdd: 6 } as const;
const OPTION = { header: 1, append: 2, appendAction: 3 } as const;
const HEADER = { key: 1, value: 2 } as const;
const STATUS_CODE = 1;

const REPLACE = lengthField(OPTION.append, '');
const APPEND = lengthField(OPTION.append, numberField(1, 1));
const ADD_IF_ABSENT = numberField(OPTION.appendAction, 1);

const OK_STATUS = lengthField(CHECK.status, '');
/** The external token never goes past the edge (invariant 10). */
const ALWAYS_REMOVED = remove('authorization') + remove('dpop') + remove('proxy-authorization');
/** D11: an answer to one caller is not stored for the next. */
const NOT_CACHED =
  lengthField(OK.responseHeadersToAdd, header('vary', 'authorization', APPEND)) +
  lengthField(OK.responseHeadersToAdd, header('cache-control', 'no-store', ADD_IF_ABSENT));

/**
 * The request may go on. A Txn-Token of the client's is overwritten by ours or removed, on every path (XA-5).
 * @param txnToken undefined on public routes
 * @param forbidden names of further fields to remove, in ASCII
 */
export function allowed(txnToken: string | undefined, forbidden: readonly string[]): Buffer {
  let ok = ALWAYS_REMOVED;
  if (txnToken === undefined) ok += remove('txn-token');
  else ok += lengthField(OK.headers, header('txn-token', txnToken, REPLACE)) + NOT_CACHED;
  for (const name of forbidden) ok += remove(name);
  return toBytes(OK_STATUS + lengthField(CHECK.ok, ok));
}

/**
 * The request is refused with this answer. Also what failed on our side is said in this form and not as an error of the call, so
 * that `failure_mode_allow` does not let anybody in (XA-4, E13).
 * @param grpc status code, never 0
 */
export function denied({ status, headers, body }: ProblemResponse, grpc: number): Buffer {
  let answer = lengthField(DENIED.status, numberField(1, status));
  for (const [name, value] of Object.entries(headers)) answer += lengthField(DENIED.headers, header(name, value, REPLACE));
  answer += lengthField(DENIED.body, body);
  return toBytes(lengthField(CHECK.status, numberField(STATUS_CODE, grpc)) + lengthField(CHECK.denied, answer));
}

function header(name: string, value: string, how: string): string {
  return lengthField(OPTION.header, lengthField(HEADER.key, name) + lengthField(HEADER.value, value)) + how;
}

function remove(name: string): string {
  return lengthField(OK.headersToRemove, name);
}
