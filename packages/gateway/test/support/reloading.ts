/** A gateway whose configuration file can be rewritten. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { type Gateway, loadConfig, startGateway } from '../../src/index.ts';
import { type TestIssuer, createTestIssuer, temporaryDirectory } from './identity-provider.ts';

export interface ReloadingEdge extends Gateway {
  readonly file: string;
  readonly directory: string;
  readonly url: string;
  readonly control: string;
  readonly issuer: TestIssuer;
  readonly logs: Record<string, unknown>[];
  /** The configuration that it started with. */
  readonly first: Readonly<Record<string, unknown>>;
  /** Rewrites the file: the first configuration with these changes. */
  write(changes?: object): void;
  writeText(text: string): void;
  /** Status of a GET; with a good token unless `headers` say otherwise. */
  get(path: string, headers?: Record<string, string>): Promise<number>;
  metrics(): Promise<string>;
}

export async function startReloadingEdge(upstreamUrl: string, changes: object = {}): Promise<ReloadingEdge> {
  const directory = temporaryDirectory();
  const file = join(directory, 'watchword.yaml');
  const issuer = createTestIssuer();
  const first = {
    listen: { port: 0 },
    control: { port: 0 },
    issuers: [issuer.entry],
    txnToken: { trustDomain: 'inside.example' },
    upstreams: { main: { url: upstreamUrl } },
    routes: [
      { path: '/api/*', upstream: 'main' },
      { path: '/open', upstream: 'main', public: true },
    ],
    ...changes,
  };
  const writeText = (text: string): void => writeFileSync(file, text);
  writeText(stringify(first, { aliasDuplicateObjects: false }));
  const logs: Record<string, unknown>[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => void logs.push(JSON.parse(line)) });
  const gateway = await startGateway(loadConfig(file), { logger });
  onTestFinished(() => gateway.close());
  const url = `http://127.0.0.1:${gateway.port}`;
  const control = `http://127.0.0.1:${gateway.controlPort}`;
  return {
    ...gateway,
    file,
    directory,
    url,
    control,
    issuer,
    logs,
    first,
    write: (more = {}) => writeText(stringify({ ...first, ...more }, { aliasDuplicateObjects: false })),
    writeText,
    async get(path, headers = { authorization: `Bearer ${issuer.token()}` }) {
      const response = await fetch(`${url}${path}`, { headers });
      await response.arrayBuffer();
      return response.status;
    },
    metrics: async () => (await fetch(`${control}/metrics`)).text(),
  };
}
