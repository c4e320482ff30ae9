/** What one client may cost another, and what no client can bring about, measured between processes. Only with WATCHWORD_LONG=1: it takes
 * minutes, and figures need a quiet machine. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { IS_LONG, freshSeed } from '../../core/test/support/campaign.ts';
import { startAttacker } from './attackers/attacker.ts';
import type { FrameOrder, FrameReport, ResetOrder, ResetReport, SlowOrder } from './attackers/orders.ts';
import { type Instance, freePort, get, startInstance } from './instances.ts';
import { type Round, ratioOf, report, sample, untilQuiet } from './neighbour.ts';
import { createFiles } from './support.ts';

/** For a smaller campaign: WATCHWORD_CAMPAIGN=0.01 does a hundredth. */
const SIZE = Number(process.env.WATCHWORD_CAMPAIGN ?? 1);
const ROUNDS = 5;
const QUIET_MS = 8000;
const SLOW_SOCKETS = Math.round(10_000 * SIZE);
/** As long as a gateway waits for a header, and longer: the window has to see them being let go of. */
const SLOW_MS = 15_000;
const RESETS = 1_000_000 * SIZE;
const RESETS_PER_SECOND = 10_000;
const FRAMES = 10_000_000 * SIZE;
/** Of each attacker, before the gateway is asked how many it has taken in. */
const FRAMES_AT_A_TIME = 50_000;
const FRAMES_LIMIT_MS = 3_600_000;
const LIMIT = 2;

describe.skipIf(!IS_LONG)('what the neighbours notice (WATCHWORD_LONG=1)', () => {
  test(`F10: ${SLOW_SOCKETS} slow sockets: the p99 of others stays below twice its own`, { timeout: 900_000 }, async () => {
    const { instance, headers } = await start();
    const attacker = startAttacker<SlowOrder, number>('slow-sockets.ts');
    await sample(instance, headers, { ms: 2000 });
    const rounds: Round[] = [];
    const open: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await untilQuiet(instance);
      const before = await sample(instance, headers, { ms: QUIET_MS });
      const attacking = attacker.ask({ port: instance.port, sockets: SLOW_SOCKETS });
      const during = await sample(
        instance,
        headers,
        attacking.then(() => delay(SLOW_MS)),
      );
      open.push(await attacking);
      rounds.push({ before, during });
      await attacker.ask({ port: instance.port, sockets: 0 });
    }
    report(`F10: ${open.join(', ')} slow sockets open`, rounds, LIMIT);
    expect(Math.min(...open)).toBeGreaterThanOrEqual(SLOW_SOCKETS);
    expect(rounds.flatMap(({ during }) => during.statuses)).toEqual(Array(ROUNDS).fill(200));
    expect(ratioOf(rounds)).toBeLessThan(LIMIT);
  });

  test(
    `F2: ${RESETS} resets: the p99 of others stays below twice its own, each connection is closed`,
    { timeout: 1_200_000 },
    async () => {
      const { instance, headers } = await start();
      const attacker = startAttacker<ResetOrder, ResetReport>('resets.ts');
      const attack = { port: instance.port, resets: RESETS / ROUNDS, perSecond: RESETS_PER_SECOND, limitMs: 200_000 };
      await sample(instance, headers, { ms: 2000 });
      const rounds: Round[] = [];
      const total = { sent: 0, connections: 0, closed: 0, calm: 0 };
      for (let round = 0; round < ROUNDS; round += 1) {
        await untilQuiet(instance);
        const before = await sample(instance, headers, { ms: QUIET_MS });
        const attacking = attacker.ask(attack);
        const during = await sample(instance, headers, attacking);
        const seen = await attacking;
        for (const name of ['sent', 'connections', 'closed', 'calm'] as const) total[name] += seen[name];
        rounds.push({ before, during });
      }
      const { sent, connections, closed, calm } = total;
      report(`F2: ${sent} resets on ${connections} connections, ${closed} closed, ${calm} told to calm down`, rounds, LIMIT);
      expect(sent).toBeGreaterThanOrEqual(0.99 * RESETS);
      expect(closed).toBe(connections);
      expect(calm).toBeGreaterThan(0.9 * connections);
      expect(rounds.flatMap(({ during }) => during.statuses)).toEqual(Array(ROUNDS).fill(200));
      expect(ratioOf(rounds)).toBeLessThan(LIMIT);
    },
  );
});

describe.skipIf(!IS_LONG)('what no client can bring about (WATCHWORD_LONG=1)', () => {
  test(
    `F4, F5: ${FRAMES} frames of random content, broken now and then, to the edge and to the decision service: the process lives, and serves`,
    { timeout: FRAMES_LIMIT_MS + 300_000 },
    async () => {
      const decisions = await freePort();
      const { instance, headers } = await start(`decisionService: {extAuthz: {listen: {port: ${decisions}}}}`, [
        '--import',
        join(import.meta.dirname, 'attackers/frame-counter.ts'),
      ]);
      const { pid } = instance.process;
      let seed = freshSeed();
      const total = { frames: 0, connections: 0 };
      let toDecisions = 0;
      const taken = (): number => Number(/.*taken in: (\d+)/s.exec(instance.err)?.[1] ?? 0);
      const isAlive = (): boolean => instance.process.exitCode === null && instance.process.signalCode === null;
      const endMs = performance.now() + FRAMES_LIMIT_MS;
      const attack = async (port: number): Promise<void> => {
        const attacker = startAttacker<FrameOrder, FrameReport>('mutated-frames.ts', 0);
        // The decision service listens to its proxy only.
        const order = {
          port,
          anyAddress: port === instance.port,
          frames: FRAMES_AT_A_TIME,
          authorization: headers.authorization!,
          limitMs: 120_000,
        };
        while (taken() < FRAMES && performance.now() < endMs && isAlive()) {
          const seen = await attacker.ask({ ...order, seed: (seed += 1) });
          if (port === decisions) toDecisions += seen.frames;
          total.frames += seen.frames;
          total.connections += seen.connections;
        }
      };
      await Promise.all([attack(instance.port), attack(decisions)]);
      process.stdout.write(
        `F4: ${total.frames} frames, ${toDecisions} of them to the decision service, on ${total.connections} connections, last seed ${seed}; the gateway took ${taken()} of them in\n`,
      );
      expect(isAlive(), `last seed ${seed}: ${instance.err.slice(-2000)}`).toBe(true);
      expect(instance.process.pid).toBe(pid);
      expect(await get(instance.port, '/orders/x', headers, undefined)).toBe(200);
      expect(await healthOf(decisions)).toBe('0');
      expect(taken()).toBeGreaterThanOrEqual(FRAMES);
    },
  );
});

async function start(
  more = '',
  nodeOptions: readonly string[] = [],
): Promise<{ instance: Instance; headers: Record<string, string> }> {
  const upstream = createServer((request, response) => {
    request.resume();
    response.end('ok');
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    upstream.close();
    upstream.closeAllConnections();
  });
  const files = createFiles(more);
  const text = readFileSync(files.config, 'utf8').replace(
    'http://127.0.0.1:1',
    `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
  );
  const instance = await startInstance((port, control) => {
    const file = join(files.directory, 'campaign.yaml');
    writeFileSync(
      file,
      text.replace('listen: {port: 0}', `listen: {port: ${port}}`).replace('control: {port: 0}', `control: {port: ${control}}`),
    );
    return file;
  }, nodeOptions);
  const now = Math.floor(Date.now() / 1000);
  return { instance, headers: { authorization: `Bearer ${files.token({ iat: now - 5, exp: now + 7200 })}` } };
}

/** The status that gRPC's health service answers with: 0 where it serves. */
function healthOf(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://127.0.0.1:${port}`).on('error', reject);
    const call = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    let status = '';
    call.on('trailers', (headers) => (status = String(headers['grpc-status']))).on('error', reject);
    call.on('close', () => {
      session.close();
      resolve(status);
    });
    call.resume().end(Buffer.alloc(5));
  });
}
