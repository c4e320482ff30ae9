/** Looks twice at the metrics of a running gateway. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type MetricsLook, type Observed, observe } from '@watchword/planner';

/** The gateway could not be asked, or what answers is none. */
export class NotObservable extends Error {}

const TIMEOUT_MS = 5_000;
/** Metrics of a gateway with thousands of routes are smaller. */
const MAX_BYTES = 16_000_000;

/** Asks the control listener at `origin`, waits, and asks again. @throws NotObservable */
export async function lookAt(origin: string, seconds: number): Promise<Observed> {
  const url = metricsUrl(origin);
  const first = await look(url);
  await sleep(seconds * 1000);
  const second = await look(url);
  try {
    return observe(url.origin, first, second);
  } catch (error) {
    if (error instanceof RangeError) throw new NotObservable(`${url.origin}: ${error.message}`);
    throw error;
  }
}

function metricsUrl(origin: string): URL {
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw new NotObservable('--from: must be the address of a control listener, as http://127.0.0.1:9090');
  return new URL('/metrics', url);
}

async function look(url: URL): Promise<MetricsLook> {
  try {
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (response.status !== 200) throw new NotObservable(`${url.origin}: answers ${response.status} to /metrics`);
    return { text: await readText(response, url), atMs: performance.now() };
  } catch (error) {
    if (error instanceof NotObservable) throw error;
    throw new NotObservable(`${url.origin}: no answer`);
  }
}

async function readText({ body }: Response, url: URL): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_BYTES) throw new NotObservable(`${url.origin}: answers with more than metrics`);
  }
  return text;
}
