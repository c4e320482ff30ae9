/** Answers that the edge gives itself. */
import type { WatchwordError } from '@watchword/core';
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
  const { status, headers, body } = describeRefusal(error);
  const fields = ['content-length', String(Buffer.byteLength(body))];
  for (const [name, value] of Object.entries(headers)) fields.push(name, value);
  call.refuse(status, fields, body);
}
