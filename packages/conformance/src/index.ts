/** Public surface of @watchword/conformance. */
export type {
  Check,
  CreateClient,
  DownstreamProtocol,
  OutgoingClient,
  RunningServer,
  ServerSetup,
  StartAdapter,
  SuiteCall,
  SuiteReply,
  SuiteRequest,
  SuiteResponse,
  SuiteRoute,
} from './contract.ts';
export { serverConformance, SERVER_CHECKS } from './server-conformance.ts';
export { outgoingConformance } from './outgoing-conformance.ts';
export { runReadmeExample } from './readme-example.ts';
export { OUTGOING_CHECKS, type OutgoingWorld, callerOf, createOutgoingWorld } from './checks/outgoing.ts';
export { type Call, type ServerWorld, createServerWorld, txnToken } from './world.ts';
export { type Application, type ApplicationOptions } from './application.ts';
export { type BadToken, TRUST_DOMAIN, type TrustDomain, createTrustDomain } from './trust-domain.ts';
export { type Arrival, type Downstream, closeServer, listen, startDownstream } from './downstream.ts';
