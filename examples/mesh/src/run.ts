/** The run, from the first process to the last line on screen. */
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { measure } from './measure/measure.ts';
import { FULL_PLAN, QUICK_PLAN, userCountOf } from './measure/plan.ts';
import type { Options } from './options.ts';
import type { Child } from './process/child.ts';
import type { Fleet } from './process/fleet.ts';
import { type UserToken, expiryOf, forge, obtainToken, obtainTokens } from './provider/tokens.ts';
import { HASTY_USER, type User, VISITOR, createUsers } from './provider/users.ts';
import { curlLines } from './report/curl.ts';
import { type Figures, toFigures } from './report/figures.ts';
import { savingText } from './report/saving-text.ts';
import { growthTableText, strategyTable } from './report/tables.ts';
import { type ProviderFacts, type WatchwordStrategy, perRequest, startForwarding, startVerifyOnce } from './strategies.ts';

/** The tolerance of the gateway for clocks that differ, and a second more. */
const TOLERANCE_SECONDS = 6;

/**
 * Starts, measures, reports and, unless `--once` was given, serves until somebody ends it.
 * @param onServing told when everything has been printed and the mesh just stays up
 */
export async function run(fleet: Fleet, options: Options, onServing: () => void): Promise<undefined> {
  const plan = options.quick ? QUICK_PLAN : FULL_PLAN;
  const startedMs = performance.now();
  const progress = (line: string): void =>
    console.log(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(5)} s  ${line}`);

  const users = createUsers(userCountOf(plan));
  const provider = await startProvider(fleet, options.algorithm, users.length);
  progress(`identity provider  ${provider.issuer} (oidc-provider, ${provider.algorithm})`);
  // First of all, so that it has expired when everything else is done.
  const expired = await obtainToken(provider.tokenEndpoint, userNamed(users, HASTY_USER));

  const [verifyOnce, ...rivals] = await Promise.all([
    startVerifyOnce(fleet, provider, plan.reuseWindowSeconds),
    startForwarding(fleet, provider, 'jose'),
    startForwarding(fleet, provider, 'cache'),
  ]);
  tellProcesses(verifyOnce, progress);
  progress(
    `for comparison     ${rivals.flatMap(({ children }) => children).length} processes that verify the external token themselves`,
  );

  const tokens = await obtainTokens(provider.tokenEndpoint, users.slice(users.length - userCountOf(plan)));
  const size = averageEdgeBytes(tokens);
  progress(`obtained ${tokens.length} access tokens, ${size.toFixed(0)} bytes each on the wire`);

  const driver = await fleet.start({ name: 'clients', script: 'measure/driver.ts' });
  const bench = { driver, tokens, plan, progress };
  const results = await measure({ ...bench, strategies: [...rivals, verifyOnce] });
  // Last and alone: it fills the caches of the services with tokens that never come again.
  results.push(...(await measure({ ...bench, strategies: [perRequest(verifyOnce)] })));
  const figures = toFigures(results, provider.algorithm, size, plan);
  printTables(figures);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(figures, undefined, 2)}\n`);
  await fleet.stop([driver, ...rivals.flatMap(({ children }) => children)]);
  if (options.once) return undefined;

  const good = await obtainToken(provider.tokenEndpoint, userNamed(users, VISITOR));
  await sleep(Math.max(0, (expiryOf(expired.token) + TOLERANCE_SECONDS) * 1000 - Date.now()));
  const dashboard = await startDashboard(fleet, verifyOnce);
  printInvitation(verifyOnce, dashboard.origin, good.token, expired.token);
  onServing();
  // The processes keep the channel to this one open, and so this one alive, until somebody ends it.
  return new Promise(() => {});
}

async function startProvider(fleet: Fleet, algorithm: string, userCount: number): Promise<ProviderFacts> {
  const child = await fleet.start({
    name: 'identity provider',
    script: 'provider/provider.ts',
    // The two users of the curl lines are always there.
    env: { TOKEN_ALGORITHM: algorithm, USERS: String(userCount - 2), NODE_ENV: 'production' },
  });
  return (await child.ready()) as unknown as ProviderFacts;
}

// Only now: it would look at the gateway while that is measured.
async function startDashboard(fleet: Fleet, { gateway, children: [, ...services] }: WatchwordStrategy): Promise<Child> {
  const edge = { name: 'mesh gateway', origin: new URL(gateway.metrics).origin };
  const behind = services.map(async (service) => ({ name: service.name, origin: await service.ask('control') }));
  const targets = [edge, ...(await Promise.all(behind)).toReversed()];
  return fleet.start({ name: 'dashboard', script: 'dashboard.ts', env: { TARGETS: JSON.stringify(targets) } });
}

function userNamed(users: readonly User[], id: string): User {
  return users.find((user) => user.id === id)!;
}

function averageEdgeBytes(tokens: readonly UserToken[]): number {
  const bytes = tokens.map(({ token }) => `authorization: Bearer ${token}\r\n`.length);
  return bytes.reduce((sum, size) => sum + size, 0) / bytes.length;
}

function tellProcesses({ gateway, children }: WatchwordStrategy, progress: (line: string) => void): void {
  progress(`gateway            ${gateway.origin} (configured by ${gateway.config})`);
  for (const child of children.slice(1)) progress(`${child.name.padEnd(18)} ${child.origin}`);
}

function printTables(figures: Figures): void {
  const { plan, results } = figures;
  console.log(
    `\nWhat it costs that every service knows the caller (gateway -> orders -> inventory, pricing -> tax), measured just now:\n`,
  );
  console.log(strategyTable(results));
  const requests = results.reduce((sum, result) => sum + result.requests, 0);
  const errors = results.reduce((sum, result) => sum + result.errors, 0);
  console.log(`${plan.rounds === 1 ? 'One round' : `Medians of ${plan.rounds} rounds`}; ${requests.toLocaleString('en-US')} requests, ${errors} errors.
${plan.concurrency} requests in flight, clients and services sharing ${figures.machine.cores} cores; meters off for requests/s and latency, on for the rest, with
${plan.requestsPerUser} requests per user and Txn-Token. The full token has been seen before; with a cache, only its first use costs a check.`);
  console.log(`\n${savingText(figures.verificationCpuSaved)}`);
  console.log('\nAs the system grows: without Watchword (every service verifies) and with it (verified once):\n');
  console.log(growthTableText(figures.growth));
  console.log(`~ extrapolated: beyond the rate that was measured, computed from the measured cost of one request.
Half a request per user and second, so ${figures.requestsPerTxnToken} requests share a Txn-Token in its reuse window, at ${figures.unitCosts.with.verificationMicros.toFixed(0)} us of verification each.`);
}

function printInvitation({ gateway }: WatchwordStrategy, dashboard: string, good: string, expired: string): void {
  for (const { title, status, line } of curlLines(gateway.origin, { good, expired, forged: forge(good, 'user-0001') })) {
    console.log(`\n# ${title}: ${status}\n${line}`);
  }
  console.log(`
dashboard  ${dashboard}
health     ${gateway.health}
metrics    ${gateway.metrics}
keys       ${gateway.jwks}

The good token is good until ${new Date(expiryOf(good) * 1000).toLocaleTimeString('en-GB')}. Ctrl-C ends everything.`);
}
