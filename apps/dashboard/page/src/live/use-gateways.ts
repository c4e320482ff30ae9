/** What the server knows of the gateways, kept up to date while the page is looked at. */
import { useEffect, useState } from 'preact/hooks';
import type { DashboardState, GatewayView, Moment } from '@watchword/dashboard';

/** A gateway as the page knows it. */
export interface KnownGateway extends GatewayView {
  /** All that were told, within the last minutes. */
  readonly moments: readonly Moment[];
}

/** What is known. */
export interface Known {
  /** The server's clock at the last answer. */
  readonly nowMs: number;
  readonly gateways: readonly KnownGateway[];
  /** Whether the server of this page does not answer any more. */
  readonly lost: boolean;
}

const EVERY_MS = 1_000;
const KEPT_MOMENTS = 300;

/** undefined until the first answer. */
export function useGateways(): Known | undefined {
  const [known, setKnown] = useState<Known>();
  useEffect(() => {
    let latest: Known | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let ended = false;
    const look = async (): Promise<void> => {
      latest = await ask(latest);
      if (ended) return;
      setKnown(latest);
      // Nobody looks at a hidden page.
      if (!document.hidden) timer = setTimeout(look, EVERY_MS);
    };
    const resume = (): void => {
      clearTimeout(timer);
      if (!document.hidden) void look();
    };
    void look();
    document.addEventListener('visibilitychange', resume);
    return () => {
      ended = true;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', resume);
    };
  }, []);
  return known;
}

async function ask(before: Known | undefined): Promise<Known> {
  const afterMs = Math.max(0, ...(before?.gateways ?? []).map(({ moments }) => moments.at(-1)?.atMs ?? 0));
  try {
    const response = await fetch(`/api/gateways?after=${afterMs}`, { signal: AbortSignal.timeout(5_000) });
    if (!response.ok) throw new Error(String(response.status));
    const { nowMs, gateways } = (await response.json()) as DashboardState;
    return { nowMs, lost: false, gateways: gateways.map((gateway, index) => merge(before?.gateways[index], gateway)) };
  } catch {
    return { nowMs: before?.nowMs ?? Date.now(), gateways: before?.gateways ?? [], lost: true };
  }
}

// A gateway that restarted has no moments from before.
function merge(before: KnownGateway | undefined, now: GatewayView): KnownGateway {
  const last = before?.moments.at(-1);
  const [first] = now.moments;
  const restarted = last !== undefined && first !== undefined && first.requests < last.requests;
  const kept = restarted ? [] : (before?.moments ?? []).filter(({ atMs }) => first === undefined || atMs < first.atMs);
  return { ...now, moments: [...kept, ...now.moments].slice(-KEPT_MOMENTS) };
}
