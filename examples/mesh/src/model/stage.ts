/** The mesh of `npm start` with Watchword alone, and what can be known of it before it runs. */
import { PER_REQUEST_HOST } from '../gateway/config.ts';
import type { Child } from '../process/child.ts';
import type { Fleet } from '../process/fleet.ts';
import { type UserToken, obtainTokens } from '../provider/tokens.ts';
import { createUsers } from '../provider/users.ts';
import { type ProviderFacts, type WatchwordStrategy, startVerifyOnce } from '../strategies.ts';
import type { ModelPlan } from './plan.ts';
import type { MeshFacts } from './predict.ts';
import { txnTokenCharactersOf } from './txn-token.ts';

/** The running mesh. */
export interface ModelMesh {
  readonly mesh: WatchwordStrategy;
  readonly driver: Child;
  readonly facts: MeshFacts;
}

const ALGORITHM = 'RS256';
/** Of oidc-provider, as provider/provider.ts sets it. */
const TOKEN_SECONDS = 3600;

/** Starts it, lets every user come through, and warms up the code of first uses. */
export async function startMesh(fleet: Fleet, plan: ModelPlan): Promise<ModelMesh> {
  const provider = await fleet.start({
    name: 'identity provider',
    script: 'provider/provider.ts',
    env: { TOKEN_ALGORITHM: ALGORITHM, USERS: String(plan.users), NODE_ENV: 'production' },
  });
  const providerFacts = (await provider.ready()) as unknown as ProviderFacts;
  const mesh = await startVerifyOnce(fleet, providerFacts, plan.reuseWindowSeconds);
  const tokens = await obtainTokens(providerFacts.tokenEndpoint, createUsers(plan.users).slice(-plan.users));
  const driver = await fleet.start({ name: 'clients', script: 'measure/driver.ts' });
  await driver.ask('tokens', tokens);
  const everybody = {
    origin: mesh.origin,
    from: 0,
    to: plan.users,
    concurrency: 8,
    requests: 2 * plan.users,
    durationMs: 60_000,
  };
  await driver.ask('drive', everybody);
  await driver.ask('drive', {
    ...everybody,
    host: PER_REQUEST_HOST,
    requests: Number.MAX_SAFE_INTEGER,
    durationMs: plan.firstUsesMs,
  });
  return { mesh, driver, facts: factsOf(plan, tokens) };
}

function factsOf(plan: ModelPlan, tokens: readonly UserToken[]): MeshFacts {
  const characters = tokens.reduce((sum, { token }) => sum + token.length, 0) / tokens.length;
  return {
    plan,
    algorithm: ALGORITHM,
    tokenCharacters: characters,
    txnTokenCharacters: txnTokenCharactersOf(tokens[0]!.subject),
    tokenLifetimeSeconds: TOKEN_SECONDS,
  };
}
