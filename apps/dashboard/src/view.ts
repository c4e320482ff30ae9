/** What the server tells the page. */
import type { Sample } from './sample.ts';

/** One gateway. */
export interface GatewayView {
  readonly name: string;
  readonly origin: string;
  /** Why the last look failed; undefined: it did not. */
  readonly problem: string | undefined;
  /** The last look that worked. */
  readonly latest: Sample | undefined;
  /** One about ten seconds before: rates are means between the two. The same as `latest` after the first look. */
  readonly earlier: Sample | undefined;
  /** For charts, the oldest first. */
  readonly moments: readonly Moment[];
}

/** Counters at one moment. */
export interface Moment {
  readonly atMs: number;
  readonly requests: number;
  readonly signatureChecks: number;
  /** Verifications that needed none. */
  readonly avoided: number;
}

/** The answer of `/api/gateways?after=MS`. */
export interface DashboardState {
  /** The clock of the server: ages are counted from here. */
  readonly nowMs: number;
  readonly gateways: readonly GatewayView[];
}
