/** Looks at one gateway again and again, and remembers the last minutes. */
import type { GatewayView, Moment } from './view.ts';
import { readSample } from './read-sample.ts';
import type { Sample } from './sample.ts';
import { fetchText } from './fetch-text.ts';

/** Which gateway, and how to reach it. */
export interface CollectorOptions {
  readonly name: string;
  /** Origin of its control listener. */
  readonly origin: string;
  readonly clock: () => number;
  readonly fetch: typeof globalThis.fetch;
}

/** Collects from one gateway. */
export interface Collector {
  /** Takes one look. Never rejects: a gateway that is away is a state like others. */
  collect(): Promise<void>;
  /** What is known. @param afterMs leaves out moments that are not later */
  view(afterMs: number): GatewayView;
}

/** Five minutes at one look per second. */
const KEPT_MOMENTS = 300;
/** Rates are means over this time. */
const RATE_WINDOW_MS = 10_000;
const MINUTE_MS = 60_000;

/** Creates a collector that has not looked yet. */
export function createCollector({ name, origin, clock, fetch }: CollectorOptions): Collector {
  let samples: Sample[] = [];
  let problem: string | undefined = 'No answer yet';
  let keys: { readonly atMs: number; readonly jwks: unknown } | undefined;

  // The keys change rarely, and a look at them may cost the gateway a look into a store.
  const jwks = async (): Promise<unknown> => {
    if (keys === undefined || clock() - keys.atMs >= MINUTE_MS) {
      const { status, text } = await fetchText(fetch, `${origin}/.well-known/jwks.json`);
      keys = { atMs: clock(), jwks: status === 200 ? JSON.parse(text) : undefined };
    }
    return keys.jwks;
  };
  const look = async (): Promise<void> => {
    const [ready, metrics] = await Promise.all([fetchText(fetch, `${origin}/readyz`), fetchText(fetch, `${origin}/metrics`)]);
    if (metrics.status !== 200) throw new Error(`/metrics answers ${metrics.status}`);
    const published = await jwks().catch(() => undefined);
    const readiness = readinessOf(ready.text);
    const sample = readSample({ atMs: clock(), readiness, metrics: metrics.text, jwks: published });
    samples = hasRestarted(samples.at(-1), sample) ? [sample] : [...samples, sample].slice(-KEPT_MOMENTS);
  };
  return {
    async collect() {
      try {
        await look();
        problem = undefined;
      } catch (error) {
        problem = describe(error);
      }
    },
    view(afterMs) {
      const latest = samples.at(-1);
      return {
        name,
        origin,
        problem,
        latest,
        earlier: samples.find(({ atMs }) => latest !== undefined && latest.atMs - atMs <= RATE_WINDOW_MS),
        moments: samples.filter(({ atMs }) => atMs > afterMs).map(momentOf),
      };
    },
  };
}

function readinessOf(text: string): string {
  const { status } = JSON.parse(text) as { status?: unknown };
  return String(status);
}

// Counters never go down while a process lives.
function hasRestarted(before: Sample | undefined, now: Sample): boolean {
  return before !== undefined && (now.requests < before.requests || now.signatureChecks < before.signatureChecks);
}

function momentOf({ atMs, requests, signatureChecks, cache, knownBadHits }: Sample): Moment {
  return { atMs, requests, signatureChecks, avoided: (cache?.hits ?? 0) + knownBadHits };
}

function describe(error: unknown): string {
  const { message, cause } = error as { message: string; cause?: { code?: string } };
  return cause?.code ?? message;
}
