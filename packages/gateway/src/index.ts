/** Public surface of @watchword/gateway. */
export { type Gateway, type GatewayDependencies, startGateway, startTokenService } from './gateway.ts';
export { type Trust, type TrustDependencies, createTrust } from './assemble/trust.ts';
export { createMinter } from './assemble/minter.ts';
export { createConfig, loadConfig, parseConfig } from './config/parse.ts';
export type { ClientGrant, ClientMethod, TokenClientConfig, TokenServiceConfig } from './config/sections/token-service.ts';
export type { DecisionServiceConfig, ForwardAuthStyle } from './config/sections/decision-service.ts';
export { ConfigError, type ConfigIssue } from './config/config-error.ts';
export type {
  EdgeAlgorithm,
  FreshnessConfig,
  GatewayConfig,
  IssuerConfig,
  LimitsConfig,
  ListenConfig,
  RevocationConfig,
  RevocationLogConfig,
  RouteConfig,
  TxnTokenConfig,
  UpstreamConfig,
} from './config/config.ts';
export type { ControlConfig } from './config/sections/control.ts';
export { type JsonSchema, configJsonSchemaText, createConfigJsonSchema } from './config/json-schema.ts';
export type { ConfigPath, Locator } from './config/locate.ts';
export { type YamlFile, readYamlFile } from './config/yaml-file.ts';
export { CONFIG_SCHEMA } from './config/schema.ts';
export { type InspectedHeaders, inspectHeaders } from './headers/request-headers.ts';
export { inspectFiles } from './inspect-files.ts';
export { type Decide, Decision, type DecisionRequest, Refusal } from './decision/decision.ts';
export { type Stages, createDecide } from './decision/decide.ts';
export { DECISION_END_CHANNEL, DECISION_START_CHANNEL } from './decision/observed.ts';
export type { DecisionPorts } from './services/decision-service.ts';
export { type Logger, createLogger } from './logger.ts';
export { type RevocationGuard, createRevocationGuard } from './revocation/guard.ts';
export type { Route } from './routing/route.ts';
export { type DeferredDoor, type DoorOptions, createDoor } from './deferred/door.ts';
export { type OpenQueueOptions, openDeferredQueue } from './deferred/open-queue.ts';
export { openSigningKeys } from './signing-keys/open.ts';
