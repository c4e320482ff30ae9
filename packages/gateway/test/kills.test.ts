/** Row S20 for the gateway: killed at any await, it has let nobody in who must not get in, and what it acknowledged is in force. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freshSeed } from '../../core/test/support/campaign.ts';
import { KilledProcess, pointsOf } from '../../core/test/support/killed-process.ts';
import { createTestIssuer, temporaryDirectory } from './support/identity-provider.ts';
import { REVOCATION_ROUTES, byJti, startRevokingEdge } from './support/revoking.ts';
import { startUpstream } from './support/upstream.ts';
import { getOnce } from './support/threads.ts';

const SCRIPT = join(import.meta.dirname, 'support/killed-gateway.ts');

interface Ports {
  readonly port: number;
  readonly controlPort: number;
}

interface Run {
  /** Status by question; 0: no answer. */
  readonly answers: Readonly<Record<string, number>>;
  /** What reached the upstream, by question, in order. */
  readonly seen: readonly string[];
  /** What a gateway answers that is started on what is left. */
  readonly afterwards: Readonly<Record<string, number>>;
  /** undefined: it was killed. */
  readonly passed: number | undefined;
}

async function run(killAt: number): Promise<Run> {
  const issuer = createTestIssuer();
  const log = { sqlite: join(temporaryDirectory(), 'revocations.db') };
  const upstream = await startUpstream();
  const config = {
    listen: { port: 0 },
    control: { port: 0 },
    issuers: [issuer.entry],
    txnToken: { trustDomain: 'inside.example' },
    upstreams: { main: { url: upstream.url } },
    routes: REVOCATION_ROUTES,
    revocation: { log, staleAfterMs: 60_000 },
    log: { level: 'silent' },
  };
  const [gateway, ports] = await KilledProcess.start<Ports>(SCRIPT, JSON.stringify(config));
  const [victim, other] = [issuer.token({ jti: 'victim' }), issuer.token({ jti: 'other' })];
  const forged = `${other.slice(0, other.lastIndexOf('.') + 1)}${'A'.repeat(86)}`;
  const ask = (question: string, token: string): Promise<number> =>
    getOnce(ports.port, { authorization: `Bearer ${token}` }, `/strict/${question}`);
  await gateway.arm(killAt);
  const answers: Record<string, number> = {};
  answers['first'] = await ask('first', victim);
  answers['cached'] = await ask('cached', victim);
  answers['forged'] = await ask('forged', forged);
  answers['revocation'] = await revoke(ports.controlPort);
  answers['revoked'] = await ask('revoked', victim);
  answers['other'] = await ask('other', other);
  answers['none'] = await getOnce(ports.port, {}, '/strict/none');
  const passed = await gateway.passed();
  await gateway.kill();
  const next = await startRevokingEdge(log, { issuers: [issuer.entry] });
  const afterwards = { victim: await next.call(victim), other: await next.call(other), forged: await next.call(forged) };
  return { answers, seen: upstream.seen.map(({ target }) => target.slice('/strict/'.length)), afterwards, passed };
}

function revoke(controlPort: number): Promise<number> {
  const body = JSON.stringify(byJti('victim'));
  const headers = { 'content-type': 'application/json' };
  return fetch(`http://127.0.0.1:${controlPort}/revocations`, { method: 'POST', headers, body }).then(
    ({ status }) => status,
    () => 0,
  );
}

/** What each question is to be answered, if it is. */
const DUE = { first: 200, cached: 200, forged: 401, revocation: 201, revoked: 401, other: 200, none: 401 } as const;

test(
  'S20: a gateway that is killed at an await: no wrong answer, nothing forwarded that must not be, and what was acknowledged stays in force',
  { timeout: 3_600_000 },
  async () => {
    const whole = await run(0);
    expect(whole.answers).toEqual(DUE);
    expect(whole.seen).toEqual(['first', 'cached', 'other']);
    expect(whole.passed).toBeGreaterThan(50);
    const seed = freshSeed();
    for (const point of pointsOf(whole.passed!, 2, seed)) {
      const { answers, seen, afterwards } = await run(point);
      const name = `seed ${seed}, killed at ${point} of ${whole.passed}`;
      for (const [question, status] of Object.entries(answers)) {
        expect([0, DUE[question as keyof typeof DUE]], `${name}: ${question}`).toContain(status);
      }
      for (const question of seen) expect(['first', 'cached', 'other'], name).toContain(question);
      if (answers['revocation'] === 201) expect(afterwards['victim'], name).toBe(401);
      expect([afterwards['other'], afterwards['forged']], name).toEqual([200, 401]);
    }
  },
);
