/** Public surface of @watchword/dashboard. */
export { type Dashboard, type DashboardOptions, type GatewayTarget, startDashboard } from './server.ts';
export type { DashboardState, GatewayView, Moment } from './view.ts';
export type {
  CacheSample,
  Durations,
  HopSample,
  IssuerSample,
  QueueSample,
  RevocationSample,
  Sample,
  SigningKeySample,
  TargetSample,
  UpstreamSample,
} from './sample.ts';
