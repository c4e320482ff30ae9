/** What each hop costs in octets: the clients' connections, and those to each upstream. */
import type { HopMeter, HopTotals } from '@watchword/http2';
import { type Add, type Values, labelled } from './scraped-metric.ts';

/** Adds the metrics. Divide bytes, less those of bodies, by requests: what is left are header fields and framing. */
export function addHops(hops: () => readonly HopMeter[], add: Add): void {
  add('counter', 'hop_bytes_total', 'Octets on the connections of a hop, bodies included', () =>
    valuesOf(hops(), ({ sentBytes, receivedBytes }) => [sentBytes, receivedBytes]),
  );
  add('counter', 'hop_body_bytes_total', 'Octets of bodies; of requests those that declare a length', () =>
    valuesOf(hops(), ({ bodySentBytes, bodyReceivedBytes }) => [bodySentBytes, bodyReceivedBytes]),
  );
  add('counter', 'hop_requests_total', 'Requests that went over a hop, further attempts included', () =>
    hops().map((meter) => labelled({ hop: meter.hop }, meter.totals().requests)),
  );
}

function valuesOf(hops: readonly HopMeter[], of: (totals: HopTotals) => readonly [sent: number, received: number]): Values {
  return hops.flatMap((meter) => {
    const [sent, received] = of(meter.totals());
    return [labelled({ hop: meter.hop, direction: 'sent' }, sent), labelled({ hop: meter.hop, direction: 'received' }, received)];
  });
}
