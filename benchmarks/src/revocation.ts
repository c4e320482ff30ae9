/**
 * `npm run bench:revocation`. Question: how long after somebody asks for a revocation does every process refuse the token?
 * Workload: four processes have verified and cached 600 tokens each; a fifth one revokes them one after the other through
 * redis-server on loopback. A token counts as refused where the cache, asked at that moment, doesn't give it any more.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type LogEntry,
  type RevocationLog,
  createCachedVerifier,
  createLocalKeys,
  createRevocableVerifier,
  createRevocations,
  createVerifier,
  generateSigningKey,
  signJws,
} from '@watchword/core';
import { createRedisRevocationLog } from '@watchword/redis';
import { withTemporaryFolder } from './process/temporary-folder.ts';
import { describeMachine, machineLine } from './report/machine.ts';
import { drawTable } from './report/table.ts';

const PROCESSES = 4;
const TOKENS = 600;
const PAUSE_MS = 5;
const P99_TARGET_MS = 100;
const ISSUER = 'https://issuer.example';

/** What a follower is told. */
interface Assignment {
  readonly server: string;
  readonly jwks: unknown;
  readonly tokens: readonly string[];
}

/** What it answers: at first that all tokens are cached, then when it refused which one, in nanoseconds of the machine's clock. */
type Answer = { readonly ready: true } | { readonly refused: number; readonly atNs: string };

if (process.argv[2] === 'follower') process.once('message', (assignment: Assignment) => void follow(assignment));
else await measure();

async function measure(): Promise<void> {
  console.log(`${machineLine({ ...describeMachine(), pinned: false })}\n`);
  await withTemporaryFolder(async (folder) => {
    const redis = await startRedis(folder);
    const followers: ChildProcess[] = [];
    try {
      const { assignment, expiresAtMs } = makeTokens(redis.url);
      const refusedAtNs = Array.from({ length: TOKENS }, (): bigint[] => []);
      for (let index = 0; index < PROCESSES; index += 1) followers.push(await startFollower(assignment, refusedAtNs));
      const log = createRedisRevocationLog({ server: redis.url });
      const times = await revokeAll(log, expiresAtMs);
      await delay(500);
      await log.close();
      report(times, refusedAtNs);
    } finally {
      for (const child of [...followers, redis.child]) child.kill('SIGKILL');
    }
  });
}

interface Times {
  readonly askedAtNs: bigint;
  readonly acknowledgedAtNs: bigint;
}

async function revokeAll(log: RevocationLog, expiresAtMs: number): Promise<Times[]> {
  const times: Times[] = [];
  for (let index = 0; index < TOKENS; index += 1) {
    const askedAtNs = process.hrtime.bigint();
    await log.append({ issuer: ISSUER, jti: `${index}`, expiresAtMs });
    times.push({ askedAtNs, acknowledgedAtNs: process.hrtime.bigint() });
    await delay(PAUSE_MS);
  }
  return times;
}

function report(times: readonly Times[], refusedAtNs: readonly (readonly bigint[])[]): void {
  const missing = refusedAtNs.filter((moments) => moments.length !== PROCESSES).length;
  if (missing > 0) throw new Error(`${missing} of ${TOKENS} tokens are not refused everywhere`);
  // The first revocation also opens the connection.
  const last = refusedAtNs.slice(1).map((moments) => moments.reduce((left, right) => (left > right ? left : right)));
  const rows = (['askedAtNs', 'acknowledgedAtNs'] as const).map((from) => {
    // Some processes refuse before the one that revokes hears that it is done.
    const durations = last.map((atNs, index) => Math.max(0, Number(atNs - times[index + 1]![from]) / 1e6)).sort((a, b) => a - b);
    const at = (share: number): string => durations[Math.ceil(share * durations.length) - 1]!.toFixed(2);
    const title = from === 'askedAtNs' ? 'revoke called -> refused everywhere' : 'revoke acknowledged -> refused everywhere';
    return { cells: [title, at(0.5), at(0.99), at(1)], p99: Number(at(0.99)) };
  });
  const columns = ['p50 ms', 'p99 ms', 'max ms'].map((title) => [title, 'right'] as const);
  console.log(
    drawTable(
      [[`${PROCESSES} processes, ${TOKENS} revocations`, 'left'], ...columns],
      rows.map(({ cells }) => cells),
    ),
  );
  console.log(`Target: p99 at most ${P99_TARGET_MS} ms from the call on: ${rows[0]!.p99 <= P99_TARGET_MS ? 'PASS' : 'short'}`);
}

function makeTokens(server: string): { readonly assignment: Assignment; readonly expiresAtMs: number } {
  const key = generateSigningKey();
  const iat = Math.floor(Date.now() / 1000);
  const exp = iat + 600;
  const tokens = Array.from({ length: TOKENS }, (_, index) => {
    const claims = { iss: ISSUER, aud: 'api', sub: `user-${index}`, client_id: 'c', jti: `${index}`, iat, exp };
    return signJws(Buffer.from(JSON.stringify(claims)), { typ: 'at+jwt' }, key);
  });
  return { assignment: { server, jwks: { keys: [key.publicJwk()] }, tokens }, expiresAtMs: (exp + 5) * 1000 };
}

async function startFollower(assignment: Assignment, refusedAtNs: readonly bigint[][]): Promise<ChildProcess> {
  const child = fork(import.meta.filename, ['follower']);
  const ready = Promise.withResolvers<void>();
  child.once('exit', () => ready.reject(new Error('A follower ended early')));
  child.on('message', (answer: Answer) => {
    if ('ready' in answer) ready.resolve();
    else refusedAtNs[answer.refused]!.push(BigInt(answer.atNs));
  });
  child.send(assignment);
  await ready.promise;
  return child;
}

async function follow({ server, jwks, tokens }: Assignment): Promise<void> {
  const log = createRedisRevocationLog({ server });
  const onEntry = ({ revocation }: LogEntry): void => {
    const index = Number('jti' in revocation ? revocation.jti : NaN);
    const isRefused = verifier.recall(tokens[index]!) === undefined;
    if (isRefused) process.send!({ refused: index, atNs: `${process.hrtime.bigint()}` } satisfies Answer);
  };
  const revocations = createRevocations({ log: withListener(log, onEntry) });
  const keys = createLocalKeys({ issuer: ISSUER, algorithms: ['ES256'], jwks });
  const plain = createVerifier({ issuers: [{ issuer: ISSUER, audience: 'api', algorithms: ['ES256'], keys }] });
  const verifier = createCachedVerifier(createRevocableVerifier(plain, revocations));
  await revocations.ready();
  for (const token of tokens) await verifier.verify(token);
  if (tokens.some((token) => verifier.recall(token) === undefined)) throw new Error('A good token is not in the cache');
  process.send!({ ready: true } satisfies Answer);
}

// Calls back after each entry, when the revocations know it.
function withListener(log: RevocationLog, onEntry: (entry: LogEntry) => void): RevocationLog {
  return {
    append: (revocation) => log.append(revocation),
    close: () => log.close(),
    follow: (listener) =>
      log.follow({
        snapshot: (all, position) => listener.snapshot(all, position),
        failed: (error) => listener.failed(error),
        entry(entry) {
          listener.entry(entry);
          onEntry(entry);
        },
      }),
  };
}

async function startRedis(folder: string): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'yes', '--dir', folder];
  const child = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'inherit'] });
  // Without redis-server this is where it ends, and says so.
  await once(child, 'spawn');
  for await (const line of createInterface(child.stdout)) if (line.includes('Ready to accept connections')) break;
  child.stdout.resume();
  return { child, url: `redis://127.0.0.1:${port}` };
}
