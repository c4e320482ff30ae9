/** Answers that the edge gives itself. */
import type { ErrorCode, WatchwordError } from '@watchword/core';
import { Refusal } from '../decision/decision.ts';
import { describeRefusal } from '../decision/refusal-answer.ts';
import type { ClientCall } from './client-call.ts';

/** Writes the refusal. */
export function answerRefusal(call: Pick<ClientCall, 'refuse' | 'speaksGrpc'>, error: WatchwordError): void {
  if (call.speaksGrpc) {
    const { grpc, title } = error.facts;
    // Trailers-Only: HTTP 200, and the status where gRPC looks for it.
    const fields = ['content-type', 'application/grpc', 'grpc-status', String(grpc), 'grpc-message', encodeURIComponent(title)];
    call.refuse(200, fields, '');
    return;
  }
  const { status, fields, body } = isAlwaysTheSame(error) ? known(error) : write(error);
  // A list of its own: the protocol adds to it.
  call.refuse(status, [...fields], body);
}

interface WrittenAnswer {
  readonly status: number;
  /** Name, value, name, value, ... */
  readonly fields: readonly string[];
  readonly body: string;
}

/** By error code. In a flood there is nothing new to say. */
const KNOWN = new Map<ErrorCode, WrittenAnswer>();

// Nothing of the route is told but scopes and methods.
function isAlwaysTheSame(error: WatchwordError): boolean {
  return error.facts.oauth !== 'insufficient_scope' && !(error instanceof Refusal && error.allow !== undefined);
}

function known(error: WatchwordError): WrittenAnswer {
  let answer = KNOWN.get(error.code);
  if (answer === undefined) KNOWN.set(error.code, (answer = write(error)));
  return answer;
}

function write(error: WatchwordError): WrittenAnswer {
  const { status, headers, body } = describeRefusal(error);
  return { status, fields: ['content-length', String(Buffer.byteLength(body)), ...Object.entries(headers).flat()], body };
}
