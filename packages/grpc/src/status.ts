/** Failures as gRPC statuses. */
import { Metadata } from '@grpc/grpc-js';
import { type ProblemContext, toProblem, toWatchwordError } from '@watchword/core';

/** A complete status, in the shape that grpc-js takes from interceptors and from handlers. */
export interface GrpcStatus {
  /** UNAUTHENTICATED (16), PERMISSION_DENIED (7), UNAVAILABLE (14), ... */
  readonly code: number;
  /** What an outside caller may know: one text for all bad tokens (ER-6). */
  readonly details: string;
  /** The challenge of RFC 6750, where there is one. */
  readonly metadata: Metadata;
}

/** Describes a failure to a caller. Anything that is not a `WatchwordError` becomes INTERNAL, and its text is not told. */
export function toGrpcStatus(thrown: unknown, context?: ProblemContext): GrpcStatus {
  const { grpc, title } = toWatchwordError(thrown).facts;
  const metadata = new Metadata();
  const challenge = toProblem(thrown, context).headers['www-authenticate'];
  if (challenge !== undefined) metadata.set('www-authenticate', challenge);
  return { code: grpc, details: title, metadata };
}
