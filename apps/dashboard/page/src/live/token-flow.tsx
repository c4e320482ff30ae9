/** Where tokens go: from the clients through the gateway to the services, with what each hop carries. */
import type { JSX } from 'preact';
import type { Sample } from '@watchword/dashboard';
import { bytes, count, countOf, percent, rate, text } from '../format.ts';
import type { HopFigures, LiveFigures } from './figures.ts';

const CLIENTS = 'clients';

/** The way of a token. */
export function TokenFlow({ figures, sample }: { readonly figures: LiveFigures; readonly sample: Sample }): JSX.Element {
  const clients = figures.hops.find(({ hop }) => hop === CLIENTS);
  const others = figures.hops.filter(({ hop }) => hop !== CLIENTS);
  return (
    <section aria-labelledby="flow">
      <h2 id="flow">Where tokens go</h2>
      <div class="flow">
        <Node name="Clients" lines={[`${text(rate(clients?.requestsPerSecond ?? figures.requestsPerSecond))} requests`]} />
        <Hop carries="external token" figures={clients} />
        <Node
          name="Gateway"
          strong
          lines={[
            `${text(rate(figures.checksPerSecond))} checked`,
            `${text(rate(figures.avoidedPerSecond))} remembered`,
            `${text(rate(figures.refusedPerSecond))} refused`,
          ]}
        />
        <div class="flow-out">
          {others.length === 0 && <p class="soft">No upstream yet.</p>}
          {others.map((hop) => (
            <div class="flow-row" key={hop.hop}>
              <Hop carries={sample.minted + sample.reused > 0 ? 'Txn-Token' : 'identity'} figures={hop} />
              <Node
                name={nameOf(hop)}
                lines={[`${text(rate(hop.requestsPerSecond))} requests`, inFlightOf(sample, nameOf(hop))]}
              />
            </div>
          ))}
        </div>
      </div>
      <p class="soft">
        {`${countOf(sample.minted, 'Txn-Token')} signed since the start; ${text(percent(figures.reusedShare))} of requests found theirs in the reuse window. `}
        {sample.removed > 0 && `${count(sample.removed)} forged Txn-Token headers were removed. `}
        Bytes are those of header fields and framing, both ways.
      </p>
    </section>
  );
}

function Node(props: { readonly name: string; readonly lines: readonly string[]; readonly strong?: boolean }): JSX.Element {
  return (
    <div class={props.strong ? 'node is-strong' : 'node'}>
      <h3>{props.name}</h3>
      {props.lines.map((line) => (
        <p key={line}>{line}</p>
      ))}
    </div>
  );
}

function Hop({ carries, figures }: { readonly carries: string; readonly figures: HopFigures | undefined }): JSX.Element {
  return (
    <div class="hop">
      <span class="carries">{carries}</span>
      <span class="arrow" aria-hidden="true" />
      <span class="weight">
        {text(bytes(round(figures?.bytesPerRequest)))} <span class="soft">per request</span>
      </span>
    </div>
  );
}

function round(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.round(value);
}

// The gateway calls the hop to an upstream `upstream:NAME`.
function nameOf({ hop }: HopFigures): string {
  return hop.replace(/^upstream:/, '');
}

function inFlightOf({ upstreams }: Sample, wanted: string): string {
  const upstream = upstreams.find(({ name }) => name === wanted);
  if (upstream === undefined) return '';
  return `${count(upstream.targets.reduce((sum, { inFlight }) => sum + inFlight, 0))} in flight`;
}
