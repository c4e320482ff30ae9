/** Servers, clients and tokens of one algorithm. */
import { join } from 'node:path';
import { type Child, withChildren } from '../process/child.ts';
import { withTemporaryFolder } from '../process/temporary-folder.ts';
import { type BenchmarkAlgorithm, createKeyPair } from '../tokens/key-pair.ts';
import { signTokens } from '../tokens/sign-token.ts';
import { writeTokenFile } from '../tokens/token-file.ts';
import type { ServerOrder } from './server.ts';

/** Where a server's signatures are checked. */
export type Subject = ServerOrder['checks'];

/** A server that listens. */
export interface Server {
  readonly process: Child;
  readonly port: number;
}

/** Everything that a round needs. */
export interface Stage {
  readonly servers: Readonly<Record<Subject, Server>>;
  readonly regulars: Child;
  readonly flood: Child;
  /** Tokens of the regulars, which the servers know. */
  readonly knownFile: string;
  /** So many tokens that each is forgotten before it comes again. */
  readonly newFile: string;
}

const KNOWN = 100;
const NEW = 8000;
const CACHE_ENTRIES = 300;

/** Runs `work` with everything started, and ends it whatever happens. */
export function withStage<Result>(algorithm: BenchmarkAlgorithm, work: (stage: Stage) => Promise<Result>): Promise<Result> {
  return withTemporaryFolder(async (folder) => {
    const pair = createKeyPair(algorithm);
    const [knownFile, newFile] = [join(folder, 'known'), join(folder, 'new')];
    writeTokenFile(knownFile, await signTokens(pair, KNOWN));
    writeTokenFile(newFile, await signTokens(pair, NEW));
    const scripts = ['server', 'server', 'regulars', 'flood'];
    return withChildren(
      scripts.map((name) => ({ name, script: `adaptive/${name}.ts` })),
      async ([inline, adaptive, regulars, flood]) => {
        const listen = async (process: Child, checks: Subject): Promise<Server> => {
          const { kid, pem } = pair.material;
          return {
            process,
            port: await process.ask('listen', { checks, algorithm, kid, pem, cacheEntries: CACHE_ENTRIES }),
          };
        };
        const servers = { inline: await listen(inline!, 'inline'), adaptive: await listen(adaptive!, 'adaptive') };
        return work({ servers, regulars: regulars!, flood: flood!, knownFile, newFile });
      },
    );
  });
}
