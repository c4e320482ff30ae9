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
export { messagingConformance } from './messaging-conformance.ts';
export { MESSAGING_CHECKS } from './messaging/checks.ts';
export type {
  MessagingSetup,
  RawHeader,
  RunningMessaging,
  StartMessaging,
  SuiteDeadLetter,
  SuiteMessage,
} from './messaging/contract.ts';
export { type MessagingWorld, createMessagingWorld } from './messaging/world.ts';
export { outgoingConformance } from './outgoing-conformance.ts';
export { type ServerCommand, type ServerProcess, canRun, freePort, startServerProcess } from './server-process.ts';
export { runReadmeExample } from './readme-example.ts';
export { OUTGOING_CHECKS, type OutgoingWorld, callerOf, createOutgoingWorld } from './checks/outgoing.ts';
export { type Call, type ServerWorld, createServerWorld, txnToken } from './world.ts';
export { type Application, type ApplicationOptions } from './application.ts';
export { type BadToken, TRUST_DOMAIN, type TrustDomain, createTrustDomain } from './trust-domain.ts';
export { type Arrival, type Downstream, closeServer, listen, startDownstream } from './downstream.ts';
