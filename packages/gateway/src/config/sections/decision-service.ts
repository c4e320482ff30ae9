/** The section `decisionService`: where other proxies ask for decisions, and which of them may. */
import { isIP } from 'node:net';
import * as v from 'valibot';
import type { Finding } from '../check.ts';
import type { GatewayConfig, ListenConfig } from '../config.ts';
import { list, listen, section, text } from '../forms.ts';

/** How a proxy names the request that it asks about, and which answers it understands. */
export type ForwardAuthStyle = 'nginx' | 'caddy' | 'traefik';

/** Decisions for other proxies. At least one of the two is given. */
export interface DecisionServiceConfig {
  /** Addresses and CIDR blocks of the proxies. Whoever else connects is cut off: the answers hold Txn-Tokens (E5, XA-9). */
  readonly trustedProxies: readonly string[];
  /** Envoy's external authorization over gRPC. */
  readonly extAuthz?: { readonly listen: ListenConfig } | undefined;
  /** nginx `auth_request`, Caddy `forward_auth`, Traefik `forwardAuth`. */
  readonly forwardAuth?: { readonly listen: ListenConfig; readonly style: ForwardAuthStyle } | undefined;
}

const address = v.pipe(
  text,
  v.check((value) => isAddressBlock(value), 'must be an IP address or a CIDR block'),
);

/** The form of the section. */
export const decisionService: v.GenericSchema<unknown, DecisionServiceConfig> = section({
  trustedProxies: v.optional(list(address), ['127.0.0.1', '::1']),
  extAuthz: v.optional(section({ listen: v.optional(listen(9001), {}) })),
  forwardAuth: v.optional(
    section({
      listen: v.optional(listen(9002), {}),
      style: v.picklist(['nginx', 'caddy', 'traefik'], 'must be nginx, caddy or traefik'),
    }),
  ),
});

/** What does not fit together. */
export function* checkDecisionService(config: GatewayConfig): Generator<Finding> {
  const { decisionService: service, threads } = config;
  if (service === undefined) return;
  const path = ['decisionService'];
  if (service.extAuthz === undefined && service.forwardAuth === undefined) {
    yield { path, reason: 'needs at least one of extAuthz and forwardAuth' };
  }
  const taken = [config.listen, config.control];
  for (const name of ['extAuthz', 'forwardAuth'] as const) {
    const own = service[name]?.listen;
    if (own === undefined) continue;
    const at = [...path, name, 'listen', 'port'];
    if (taken.some((other) => own.port !== 0 && own.port === other.port && own.host === other.host)) {
      yield { path: at, reason: 'is that of another listener' };
    }
    // Each thread would find another one.
    if (threads > 1 && own.port === 0) yield { path: at, reason: `must be a port for all ${threads} threads, not 0` };
    taken.push(own);
  }
}

function isAddressBlock(value: string): boolean {
  const [host = '', prefix, ...rest] = value.split('/');
  const family = isIP(host);
  if (family === 0 || host.includes('%') || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
}
