/** The ways to know the caller in every service, each as running processes. */
import type { Child } from './process/child.ts';
import type { Fleet } from './process/fleet.ts';
import { AUDIENCE } from './provider/users.ts';
import { PER_REQUEST_HOST } from './gateway/config.ts';
import { type GatewayAddresses, startGateway } from './gateway/start.ts';

/** Which strategy, as it is called in the JSON file. */
export type StrategyId = 'verify-everywhere' | 'verify-everywhere-cached' | 'verify-once' | 'verify-once-per-request';

/** One strategy, up and running. */
export interface Strategy {
  readonly id: StrategyId;
  readonly title: string;
  /** Where its clients send their requests. */
  readonly origin: string;
  /** Host field of the requests; default: that of the origin. */
  readonly host?: string;
  /** The processes that find out who is calling. */
  readonly metered: readonly Child[];
  /** All its processes. */
  readonly children: readonly Child[];
}

/** The strategy that stays up afterwards. */
export interface WatchwordStrategy extends Strategy {
  readonly gateway: GatewayAddresses;
}

/** The identity provider, as the others need to know it. */
export interface ProviderFacts {
  readonly issuer: string;
  readonly jwksUri: string;
  readonly tokenEndpoint: string;
  readonly algorithm: string;
}

/** Where the Txn-Tokens are good. */
export const TRUST_DOMAIN = 'shop.example';

/** Every service verifies the external token, with jose on each request or with a cache of its own. */
export async function startForwarding(fleet: Fleet, provider: ProviderFacts, verifyWith: 'jose' | 'cache'): Promise<Strategy> {
  const cached = verifyWith === 'cache';
  const env = {
    VERIFY_WITH: verifyWith,
    ISSUER: provider.issuer,
    AUDIENCE,
    PROVIDER_JWKS_URL: provider.jwksUri,
    TOKEN_ALGORITHM: provider.algorithm,
  };
  const services = await startChain(fleet, 'forwarding', ` (${cached ? 'cached' : 'jose'})`, env);
  const orders = services.at(-1)!;
  const edge = await fleet.start({
    name: `plain edge (${cached ? 'cached' : 'jose'})`,
    script: 'forwarding/edge.ts',
    env: { ORDERS_URL: orders.origin },
  });
  return {
    id: cached ? 'verify-everywhere-cached' : 'verify-everywhere',
    title: cached ? 'every service verifies, cached' : 'every service verifies (jose)',
    origin: edge.origin,
    metered: services,
    children: [edge, ...services],
  };
}

/** The gateway verifies once, the services receive a Txn-Token. */
export async function startVerifyOnce(
  fleet: Fleet,
  provider: ProviderFacts,
  reuseWindowSeconds: number,
): Promise<WatchwordStrategy> {
  const { child, services, addresses } = await startGateway(fleet, {
    issuer: provider.issuer,
    jwksUrl: provider.jwksUri,
    algorithm: provider.algorithm,
    audience: AUDIENCE,
    trustDomain: TRUST_DOMAIN,
    reuseWindowSeconds,
    startServices: (jwksUrl) => startChain(fleet, 'services', '', { TRUST_DOMAIN, GATEWAY_JWKS_URL: jwksUrl }),
  });
  return {
    id: 'verify-once',
    title: 'gateway verifies once, Txn-Token',
    origin: addresses.origin,
    metered: [child, ...services],
    children: [child, ...services],
    gateway: addresses,
  };
}

/** The same processes without reuse: the gateway signs a Txn-Token for each request, and every service verifies it. */
export function perRequest(strategy: WatchwordStrategy): Strategy {
  return { ...strategy, id: 'verify-once-per-request', title: 'the same, a new Txn-Token per request', host: PER_REQUEST_HOST };
}

/** Starts the four services from the end of the chain; orders, the first one to be called, comes last. */
async function startChain(fleet: Fleet, folder: string, suffix: string, env: Record<string, string>): Promise<Child[]> {
  const start = (name: string, more: Record<string, string> = {}): Promise<Child> =>
    fleet.start({ name: `${name}${suffix}`, script: `${folder}/${name}.ts`, env: { ...env, ...more } });
  const [tax, inventory] = await Promise.all([start('tax'), start('inventory')]);
  const pricing = await start('pricing', { TAX_URL: tax.origin });
  const orders = await start('orders', { INVENTORY_URL: inventory.origin, PRICING_URL: pricing.origin });
  return [tax, inventory, pricing, orders];
}
