/** What a reload may change. Everything else belongs to listeners and threads, which live as long as the process. */
import { isDeepStrictEqual } from 'node:util';
import { ConfigError, type ConfigIssue } from '../config/config-error.ts';
import type { GatewayConfig } from '../config/config.ts';
import { configErrorAt } from '../config/locate.ts';

/** Sections that are read anew for each request or each generation. A section that is not named here needs a restart. */
const SECTIONS: ReadonlySet<string> = new Set([
  'issuers',
  'txnToken',
  'cache',
  'verification',
  'revocation',
  'upstreams',
  'routes',
  'limits',
  'trustedProxies',
]);

/** Limits likewise; the others are properties of the listener. */
const LIMITS: ReadonlySet<string> = new Set([
  'bodyBytes',
  'tokenBytes',
  'connections',
  'concurrentRequests',
  'drainDelayMs',
  'shutdownTimeoutMs',
]);

/** Refuses what cannot be done without closing the listener. @throws ConfigError with every such setting */
export function assertReloadable(old: GatewayConfig, next: GatewayConfig): void {
  const issues = [...refusals(old, next)].flatMap((path): readonly ConfigIssue[] => configErrorAt(next, path, REASON).issues);
  if (issues.length > 0) throw new ConfigError(configErrorAt(next, [], REASON).fileName, issues);
}

const REASON = 'cannot be changed by a reload: restart the gateway';

function* refusals(old: GatewayConfig, next: GatewayConfig): Generator<string[]> {
  for (const name of changed(old, next)) if (!SECTIONS.has(name)) yield [name];
  for (const name of changed(old.limits, next.limits)) if (!LIMITS.has(name)) yield ['limits', name];
}

function changed(old: object, next: object): string[] {
  const before = new Map<string, unknown>(Object.entries(old));
  const after = new Map<string, unknown>(Object.entries(next));
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => !isDeepStrictEqual(before.get(name), after.get(name)));
}
