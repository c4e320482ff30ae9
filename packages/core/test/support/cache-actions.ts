/** What can happen in a {@link CacheWorld}: one random event at a time. */
import type { Revocation } from '../../src/revocation/revocation.ts';
import type { CacheWorld, WorldKeys } from './cache-world.ts';
import { AUDIENCES } from './cache-world.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { TestKey } from './keys.ts';
import { makeToken } from './tokens.ts';

/** Lets one thing happen. @returns what, for the log of a failure */
export function act(world: CacheWorld, random: SeededRandom): string {
  const roll = random.next();
  if (roll < 0.1 || world.tokens.length === 0) return issue(world, random);
  if (roll < 0.13) return mutate(world, random);
  if (roll < 0.34) return moveClock(world, random);
  if (roll < 0.36) return changeKeys(random.pick(world.issuers), random);
  if (roll < 0.361) return clear(world, random);
  if (roll < 0.369) return revoke(world, random);
  if (roll < 0.379) return cutOrMend(world, random);
  return 'nothing';
}

/** Lets one thing happen that needs its time, while nobody is verifying. @returns what, or undefined: mostly nothing */
export async function actSlowly(world: CacheWorld, random: SeededRandom): Promise<string | undefined> {
  const roll = random.next();
  if (roll > 0.002) return undefined;
  if (roll < 0.0007) return restart(world);
  if (roll < 0.0014) return loseHistory(world, random);
  await world.revocations.prune();
  return 'prune';
}

const MAX_TOKENS = 24;

function keep(world: CacheWorld, random: SeededRandom, token: string): void {
  if (world.tokens.length < MAX_TOKENS) world.tokens.push(token);
  else world.tokens[random.int(MAX_TOKENS)] = token;
}

function issue(world: CacheWorld, random: SeededRandom): string {
  const issuer = world.issuers[random.chance(0.8) ? 0 : 1]!;
  const key = random.pick(random.chance(0.9) && issuer.trusted.length > 0 ? issuer.trusted : issuer.pool);
  const now = Number.isFinite(world.nowMs) ? Math.floor(world.nowMs / 1000) : 1_800_000_000;
  const header = {
    ...('kid' in key.material && random.chance(0.85) ? {} : { kid: undefined }),
    ...(random.chance(0.1) ? { typ: random.pick(['JWT', 'application/at+jwt', undefined, 'logout+jwt']) } : {}),
  };
  const payload = {
    iss: random.chance(0.97) ? issuer.issuer : random.pick(world.issuers).issuer,
    aud: random.chance(0.8) ? [...AUDIENCES] : random.pick<unknown>([...AUDIENCES, 'https://elsewhere.example', [], 7]),
    sub: random.chance(0.9) ? `user-${random.int(4)}` : undefined,
    jti: random.int(1e9),
    sid: random.chance(0.8) ? `session-${random.int(4)}` : undefined,
    iat: now - random.between(-2, 16),
    exp: random.chance(0.97)
      ? now + random.between(-8, 90) + random.pick([0, 0, 0, 0.25])
      : random.pick<unknown>([undefined, null, '1', 9e15, -1]),
    ...(random.chance(0.2) ? { nbf: now + random.between(-20, 8) } : {}),
    ...(random.chance(0.03)
      ? { [random.pick(['iat', 'nbf', 'scope', 'jti'])]: random.pick<unknown>(['x', [], {}, null, true]) }
      : {}),
  };
  keep(world, random, makeToken(key, { header, payload: { ...payload, jti: String(payload.jti) } }));
  return `issue ${JSON.stringify({ kid: key.kid, header, payload })}`;
}

function mutate(world: CacheWorld, random: SeededRandom): string {
  keep(world, random, twinOf(random.pick(world.tokens), world, random));
  return 'mutate';
}

/** A token that differs from another in one place. */
export function twinOf(token: string, world: CacheWorld, random: SeededRandom): string {
  const at = random.chance(0.3) ? token.length - 1 - random.int(20) : random.int(token.length);
  const swap = (replacement: string): string => token.slice(0, at) + replacement + token.slice(at + 1);
  const other = random.pick(world.tokens);
  return random.pick<() => string>([
    () => swap(random.pick([...'AZaz09-_.=+ '])),
    () => swap(random.pick([...'AZaz09-_'])),
    // Folds onto the same byte where somebody reads Latin-1.
    () => swap(String.fromCharCode(token.charCodeAt(at) + 0x100)),
    () => swap('\ud800'),
    () => token.slice(0, at),
    () => `${token}${random.pick(['A', '=', ' ', '.', '\n'])}`,
    () => token.slice(0, token.lastIndexOf('.')) + other.slice(other.lastIndexOf('.')),
    () => other.slice(0, other.indexOf('.')) + token.slice(token.indexOf('.')),
  ])();
}

function moveClock(world: CacheWorld, random: SeededRandom): string {
  if (!Number.isFinite(world.nowMs)) world.nowMs = 1_800_000_000_000;
  world.nowMs = random.pick<() => number>([
    () => world.nowMs + random.int(3000),
    () => world.nowMs + random.int(3000),
    () => world.nowMs + random.next(),
    () => world.nowMs - random.int(4000),
    () => nearBoundary(world, random),
    () => world.nowMs + random.int(300),
    () => (random.chance(0.1) ? random.pick([NaN, Infinity, -Infinity]) : world.nowMs + 1),
    () => (random.chance(0.1) ? world.nowMs + random.between(-3_600_000, 3_600_000) : Math.round(world.nowMs)),
  ])();
  // Farther back than this, revocations may have been forgotten.
  if (world.nowMs < world.revocations.floorMs && world.nowMs > -Infinity) world.nowMs = world.revocations.floorMs;
  return `clock ${world.nowMs}`;
}

// Where off-by-one errors live: just before, on and after a moment at which some token's verdict changes.
function nearBoundary(world: CacheWorld, random: SeededRandom): number {
  const { known } = world.revocations;
  if (known.length > 0 && random.chance(0.5)) {
    const nowMs = random.pick(known.slice(-4)).expiresAtMs + random.pick([-1, -0.25, 0, 0.25, 1]);
    return Math.abs(nowMs - world.nowMs) < 1e9 ? nowMs : world.nowMs;
  }
  try {
    const payload = Buffer.from(random.pick(world.tokens).split('.')[1]!, 'base64url').toString();
    const { exp, nbf, iat } = JSON.parse(payload) as Record<string, unknown>;
    const moment = random.pick([Number(exp), Number(nbf), Number(iat) + 20]) + random.pick([0, 0.5, 1, 5, -0.5, -1, -5]);
    const nowMs = moment * 1000 + random.pick([-1, -0.25, 0, 0.25, 1]);
    return Math.abs(nowMs - world.nowMs) < 1e9 ? nowMs : world.nowMs;
  } catch {
    return world.nowMs;
  }
}

function changeKeys(issuer: WorldKeys, random: SeededRandom): string {
  const [first, again, other, anonymous] = issuer.pool as readonly [TestKey, TestKey, TestKey, TestKey];
  const usual = [first, other];
  const next = random.pick<() => readonly TestKey[]>([
    () => usual,
    () => usual,
    () => usual,
    () => usual,
    // Replaced under the same key id.
    () => [again, other],
    // Two keys under one id, or without one: nobody knows which one is meant.
    () => issuer.pool,
    () => [first, other, anonymous],
    () => random.some(issuer.pool, 0.6),
    // One key, which tokens without a key id find; until a second one comes.
    () => [random.pick(issuer.pool)],
  ])();
  issuer.trust(next);
  return `keys of ${issuer.issuer}: ${next.map((key) => issuer.pool.indexOf(key)).join(' ')}`;
}

function clear(world: CacheWorld, random: SeededRandom): string {
  random.pick(world.pairs).cached.clear?.();
  return 'clear';
}

function revoke(world: CacheWorld, random: SeededRandom): string {
  const nowMs = Number.isFinite(world.nowMs) ? world.nowMs : 1_800_000_000_000;
  const { iss, jti, sid, sub, iat } = claimsOf(random.pick(world.tokens));
  const issuer = random.chance(0.9) && typeof iss === 'string' ? iss : random.pick(world.issuers).issuer;
  const issuedBefore = Math.max(0, (random.chance(0.7) ? Number(iat) || 0 : nowMs / 1000) + random.pick([0, 1, -1, 0.5, -3]));
  const target = random.pick<() => Record<string, unknown>>([
    () => ({ jti }),
    () => ({ jti }),
    () => ({ sid }),
    () => ({ sub, issuedBefore }),
    () => ({ sub, issuedBefore }),
    // Whole keys are revoked less often: little is left to verify then.
    () => (random.chance(0.3) ? { kid: random.pick(['a', 'b']) } : { jti }),
  ])();
  const [name] = Object.values(target);
  if (typeof name !== 'string' || name === '') return 'nothing to revoke';
  // In force for a while, and never beyond what is left of the world's memory.
  const expiresAtMs = Math.max(0, nowMs + random.pick([-500, 500, 2000, 5000, 9000, 20_000]) + random.pick([0, 0.5]));
  const revocation = { issuer, ...target, expiresAtMs } as unknown as Revocation;
  const isHere = random.chance(0.5);
  if (isHere) world.revocations.revokeHere(revocation);
  else world.revocations.revokeElsewhere(revocation);
  return `revoke ${isHere ? 'here' : 'elsewhere'} ${JSON.stringify(revocation)}`;
}

function claimsOf(token: string): Readonly<Record<string, unknown>> {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());
    return typeof claims === 'object' && claims !== null ? (claims as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

// Out of reach for a fifth of the time.
function cutOrMend(world: CacheWorld, random: SeededRandom): string {
  if (world.revocations.isDown) {
    world.revocations.mend();
    return 'the log is back';
  }
  if (random.chance(0.75)) return 'nothing';
  world.revocations.cut();
  return 'the log is out of reach';
}

async function restart(world: CacheWorld): Promise<string> {
  await world.restart();
  return 'restart';
}

async function loseHistory(world: CacheWorld, random: SeededRandom): Promise<string> {
  const kept = random.pick([0, 0.5, 0.9]);
  await world.revocations.loseHistory(() => random.chance(kept));
  return `the log lost ${1 - kept} of its history`;
}
