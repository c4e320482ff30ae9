/** A running gateway: what verification costs it, and what it does not. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { duration } from '../format.ts';
import { Headline } from './headline.tsx';
import { Keys } from './keys.tsx';
import { Services } from './services.tsx';
import { TokenFlow } from './token-flow.tsx';
import { TrafficChart } from './traffic-chart.tsx';
import { Work } from './work.tsx';
import { liveFigures } from './figures.ts';
import { type Known, type KnownGateway, useGateways } from './use-gateways.ts';

/** Later than this, figures are called old. */
const STALE_MS = 3_500;

/** The view. */
export function LiveView(): JSX.Element {
  const known = useGateways();
  const [chosen, setChosen] = useState(0);
  if (known === undefined) return <Waiting />;
  const gateways = known.gateways.filter(isShownAlone);
  const gateway = gateways[chosen] ?? gateways[0];
  if (gateway === undefined) return <Nothing lost={known.lost} />;
  return (
    <>
      <div class="state-line">
        {gateways.length > 1 && <Choice gateways={gateways} chosen={chosen} choose={setChosen} />}
        <State gateway={gateway} known={known} />
      </div>
      <GatewayFigures gateway={gateway} known={known} />
    </>
  );
}

// What has not answered yet is taken for a gateway.
function isShownAlone({ latest }: KnownGateway): boolean {
  return latest?.isEdge !== false;
}

function GatewayFigures({ gateway, known }: { readonly gateway: KnownGateway; readonly known: Known }): JSX.Element {
  const { latest, earlier, moments, origin, problem } = gateway;
  if (latest === undefined) return <Away origin={origin} problem={problem} />;
  const figures = liveFigures(latest, earlier ?? latest);
  const old = known.lost || problem !== undefined;
  return (
    <div class={old ? 'is-old' : ''}>
      <Headline figures={figures} />
      <TrafficChart moments={moments} nowMs={known.nowMs} />
      <TokenFlow figures={figures} sample={latest} />
      <Services services={known.gateways.filter((one) => !isShownAlone(one))} />
      <div class="columns">
        <Keys sample={latest} />
        <Work sample={latest} verifySeconds={figures.verifySeconds} />
      </div>
    </div>
  );
}

function Choice(props: {
  readonly gateways: readonly KnownGateway[];
  readonly chosen: number;
  readonly choose: (index: number) => void;
}): JSX.Element {
  return (
    <label class="choice">
      Gateway
      <select value={props.chosen} onChange={(event) => props.choose(Number(event.currentTarget.value))}>
        {props.gateways.map(({ name, origin }, index) => (
          <option key={origin} value={index}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

const READINESS: Readonly<Record<string, string>> = {
  ready: 'ready',
  draining: 'draining: finishes running requests',
  keys_unavailable: 'not ready: no keys of an issuer',
  revocations_unavailable: 'not ready: revocations are not known',
  signing_keys_unavailable: 'not ready: no key to sign with',
  threads_unavailable: 'not ready: its threads are starting',
};

function State({ gateway, known }: { readonly gateway: KnownGateway; readonly known: Known }): JSX.Element {
  const { latest, problem, name, origin } = gateway;
  const ageMs = latest === undefined ? 0 : known.nowMs - latest.atMs;
  const away = problem !== undefined && (latest === undefined || ageMs > STALE_MS);
  const [kind, said] = known.lost
    ? ['is-away', 'The dashboard itself does not answer. Is it still running? Figures are the last ones known.']
    : away
      ? ['is-away', `away (${problem})${latest === undefined ? '' : `, figures are ${duration(ageMs / 1000)} old`}`]
      : [latest?.readiness === 'ready' ? 'is-ready' : 'is-away', READINESS[latest?.readiness ?? ''] ?? latest?.readiness ?? ''];
  return (
    <p class={`state ${kind}`} role="status">
      <span class="dot" aria-hidden="true" />
      <span class="who">
        {name} <span class="soft">{origin.replace(/^https?:\/\//, '')}</span>
      </span>
      <span>{said}</span>
    </p>
  );
}

function Waiting(): JSX.Element {
  return (
    <p class="blank" aria-busy="true">
      Asking the gateway …
    </p>
  );
}

function Nothing({ lost }: { readonly lost: boolean }): JSX.Element {
  return (
    <div class="blank">
      <h1>{lost ? 'The dashboard does not answer' : 'No gateway to show'}</h1>
      <p>Start it with the address of a control listener:</p>
      <pre>watchword dashboard --gateway http://127.0.0.1:9090</pre>
    </div>
  );
}

function Away({ origin, problem }: { readonly origin: string; readonly problem: string | undefined }): JSX.Element {
  return (
    <div class="blank">
      <h1>No gateway at this address yet</h1>
      <p>
        {origin} does not answer{problem === undefined ? '' : ` (${problem})`}. This page asks again every second, and fills by
        itself.
      </p>
      <p>
        Is the gateway running? Its control listener is set by <code>control</code> in its configuration:
      </p>
      <pre>watchword gateway --config watchword.yaml</pre>
    </div>
  );
}
