/** What happened at a token service, as plain counters; names come from tables, never from a request (E12). */
import type { Registry } from 'prom-client';
import type { Metric } from 'prom-client';
import { ScrapedMetric, type Values, labelled, plain } from '../control/scraped-metric.ts';
import type { OAuthErrorCode } from './oauth-error.ts';
import type { SubjectKind } from './subjects.ts';

/** The counters. */
export class TokenTally {
  readonly requests: Map<string, number> = new Map();
  readonly refusals: Map<string, number> = new Map();
  readonly issued: Map<SubjectKind, number> = new Map();
  /** Requests in hand. */
  running = 0;
  batchItems = 0;

  answered(endpoint: string, status: number): void {
    add(this.requests, `${endpoint} ${status}`);
  }

  refused(endpoint: string, code: OAuthErrorCode): void {
    add(this.refusals, `${endpoint} ${code}`);
  }

  issuedFor(kind: SubjectKind): void {
    add(this.issued, kind);
  }
}

/** Shows the counters in a registry. */
export function addTokenMetrics(registry: Registry, tally: TokenTally): void {
  const show = (type: string, name: string, help: string, values: () => Values): void => {
    registry.registerMetric(
      new ScrapedMetric(type, `watchword_token_service_${name}`, help, values) as unknown as Metric<string>,
    );
  };
  show('counter', 'requests_total', 'Requests to the token service by endpoint and status', () =>
    pairs(tally.requests, 'status'),
  );
  show('counter', 'refusals_total', 'Requests that the token service refused, by endpoint and OAuth error', () =>
    pairs(tally.refusals, 'error'),
  );
  show('counter', 'issued_total', 'Txn-Tokens issued in exchange, by kind of the subject token', () =>
    [...tally.issued].map(([kind, value]) => labelled({ kind }, value)),
  );
  show('counter', 'batch_items_total', 'Tokens that came in batches', () => [plain(tally.batchItems)]);
  show('gauge', 'running', 'Requests in hand', () => [plain(tally.running)]);
}

function pairs(counters: ReadonlyMap<string, number>, second: string): Values {
  return [...counters].map(([key, value]) => {
    const [endpoint = '', name = ''] = key.split(' ');
    return labelled({ endpoint, [second]: name }, value);
  });
}

function add<Key>(counters: Map<Key, number>, key: Key): void {
  counters.set(key, (counters.get(key) ?? 0) + 1);
}
