/** The gateway, and everybody around it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WATCHWORD, portOf } from '../edge/proxies.ts';
import { type Child, withChildren } from '../process/child.ts';
import { canPin, usableCores } from '../process/cores.ts';
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
  readonly intruders: Child;
  readonly tokenFile: string;
  readonly token: string;
}

/** Runs `work` with everything started, and ends it whatever happens. */
export function withStage<Result>(work: (stage: Stage) => Promise<Result>): Promise<Result> {
  const [core, others] = canPin() ? usableCores() : [];
  return withTemporaryFolder(async (folder) => {
    const pair = createKeyPair(ALGORITHM);
    const tokens = await signTokens(pair, 100);
    const tokenFile = join(folder, 'tokens');
    writeTokenFile(tokenFile, tokens);
    const neighbours = [
      { name: 'issuer', script: 'flood/issuer.ts', core: others },
      { name: 'upstream', script: 'gateway/upstream.ts', core: others },
      { name: 'regulars', script: 'adaptive/regulars.ts', core: others },
      { name: 'intruders', script: 'flood/intruders.ts', core: others },
    ];
    return withChildren(neighbours, async ([issuer, upstream, regulars, intruders]) => {
      const jwksUrl = await issuer!.ask<string>('listen', pair.material.jwk);
      const config = join(folder, 'watchword.yaml');
      writeFileSync(config, configOf(jwksUrl, await upstream!.ask<string>('listen')));
      const gateway = { name: 'gateway', script: WATCHWORD, args: ['gateway', '--config', config], nodeOptions: METER, core };
      return withChildren([gateway], async ([running]) => {
        const port = await portOf(running!);
        return work({
          port,
          gateway: running!,
          issuer: issuer!,
          regulars: regulars!,
          intruders: intruders!,
          tokenFile,
          token: tokens[0]!,
        });
      });
    });
  });
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
