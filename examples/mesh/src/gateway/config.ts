/** The configuration file of the gateway. */

/** Requests for this host are never given a Txn-Token that served another one. */
export const PER_REQUEST_HOST = 'per-request.shop.example';

/** What differs from run to run. */
export interface GatewaySettings {
  readonly port: number;
  readonly controlPort: number;
  readonly issuer: string;
  readonly jwksUrl: string;
  readonly algorithm: string;
  readonly audience: string;
  readonly trustDomain: string;
  readonly reuseWindowSeconds: number;
  readonly ordersUrl: string;
}

/** Writes the file. JSON strings are YAML strings. */
export function gatewayConfig(settings: GatewaySettings): string {
  const text = (value: string): string => JSON.stringify(value);
  return `listen: { port: ${settings.port} }
control: { port: ${settings.controlPort} }

issuers:
  - issuer: ${text(settings.issuer)}
    audience: ${text(settings.audience)}
    algorithms: [${settings.algorithm}]
    jwksUrl: ${text(settings.jwksUrl)}
    allowInsecure: true # plain http, on loopback only

txnToken:
  trustDomain: ${text(settings.trustDomain)}
  requestingWorkload: mesh-gateway
  algorithm: ES256
  reuseWindowSeconds: ${settings.reuseWindowSeconds}

upstreams:
  orders:
    url: ${text(settings.ordersUrl)}

routes:
  - path: /orders/*
    methods: [GET]
    upstream: orders
    scopes: [orders.read]
  # The same, but with a Txn-Token of its own for each request: for the table.
  - path: /orders/*
    host: ${PER_REQUEST_HOST}
    methods: [GET]
    upstream: orders
    scopes: [orders.read]
    reuse: per-request

# Ctrl-C should not take long.
limits: { shutdownTimeoutMs: 300 }

log: { level: warn }
`;
}
