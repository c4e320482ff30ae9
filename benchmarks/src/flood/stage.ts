/** The gateway, and everybody around it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WATCHWORD, portOf, startUpstream } from '../edge/proxies.ts';
import { type Child, withChildren } from '../process/child.ts';
import { type Core, canPin, usableCores } from '../process/cores.ts';
import { type NativeServer, isInstalled } from '../process/native.ts';
import { withTemporaryFolder } from '../process/temporary-folder.ts';
import { AUDIENCE, ISSUER } from '../tokens/claims.ts';
import { createKeyPair } from '../tokens/key-pair.ts';
import { signTokens } from '../tokens/sign-token.ts';
import { writeTokenFile } from '../tokens/token-file.ts';

/** Of all tokens. */
export const ALGORITHM = 'ES256';

// Answers the parent's first question, which is how it knows that the process is there.
const METER = ['--import', join(import.meta.dirname, 'meter.ts')];

/** Everything that a round needs. */
export interface Stage {
  readonly port: number;
  readonly gateway: Child;
  readonly issuer: Child;
  readonly regulars: Child;
  /** A server that has nothing to do with the gateway, and gives way as the flood does. */
  readonly elsewherePort: number;
  /** Where everybody but the gateway runs. */
  readonly othersCore: Core | undefined;
  readonly tokenFile: string;
  readonly token: string;
}

/** Programs that must be there. @throws Error that says how to install what is missing */
export function assertInstalled(): void {
  const missing = ['nginx', 'wrk'].filter((command) => !isInstalled(command));
  if (missing.length > 0)
    throw new Error(`Not installed: ${missing.join(', ')}. On Debian: apt-get install ${missing.join(' ')}`);
}

/** Runs `work` with everything started, and ends it whatever happens. */
export function withStage<Result>(work: (stage: Stage) => Promise<Result>): Promise<Result> {
  const [core, othersCore] = canPin() ? usableCores() : [];
  return withTemporaryFolder(async (folder) => {
    const pair = createKeyPair(ALGORITHM);
    const tokens = await signTokens(pair, 100);
    const tokenFile = join(folder, 'tokens');
    writeTokenFile(tokenFile, tokens);
    const children = [
      { name: 'issuer', script: 'flood/issuer.ts', core: othersCore },
      { name: 'regulars', script: 'adaptive/regulars.ts', core: othersCore },
    ];
    return withNginx(folder, othersCore, (upstream, elsewhere) =>
      withChildren(children, async ([issuer, regulars]) => {
        const jwksUrl = await issuer!.ask<string>('listen', pair.material.jwk);
        const config = join(folder, 'watchword.yaml');
        writeFileSync(config, configOf(jwksUrl, `http://127.0.0.1:${upstream.port}`));
        const gateway = { name: 'gateway', script: WATCHWORD, args: ['gateway', '--config', config], nodeOptions: METER, core };
        return withChildren([gateway], async ([running]) =>
          work({
            port: await portOf(running!),
            gateway: running!,
            issuer: issuer!,
            regulars: regulars!,
            elsewherePort: elsewhere.port,
            othersCore,
            tokenFile,
            token: tokens[0]!,
          }),
        );
      }),
    );
  });
}

async function withNginx<Result>(
  folder: string,
  core: Core | undefined,
  work: (upstream: NativeServer, elsewhere: NativeServer) => Promise<Result>,
): Promise<Result> {
  const other = join(folder, 'elsewhere');
  mkdirSync(other);
  const upstream = await startUpstream(folder, core);
  try {
    const elsewhere = await startUpstream(other, core, 19);
    try {
      return await work(upstream, elsewhere);
    } finally {
      await elsewhere.stop();
    }
  } finally {
    await upstream.stop();
  }
}

function configOf(jwksUrl: string, upstreamUrl: string): string {
  return JSON.stringify({
    listen: { port: 0 },
    control: { port: 0 },
    issuers: [{ issuer: ISSUER, audience: AUDIENCE, algorithms: [ALGORITHM], jwksUrl, allowInsecure: true }],
    txnToken: { trustDomain: 'shop.example.com' },
    upstreams: { orders: { url: upstreamUrl } },
    routes: [{ path: '/', upstream: 'orders' }],
    log: { level: 'error' },
    // On a busy machine a client may come late to what it has begun.
    limits: { headersTimeoutMs: 120_000, requestTimeoutMs: 120_000, keepAliveTimeoutMs: 600_000, stallTimeoutMs: 120_000 },
  });
}
