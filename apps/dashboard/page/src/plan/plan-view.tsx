/** The capacity planner: what a system costs as it grows, with and without each remedy. */
import {
  type Figure as Marked,
  type Plan,
  type PlanRow,
  type Scenario,
  type SystemCost,
  DEFAULT_SCENARIO,
} from '@watchword/planner';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Figure } from '../figure.tsx';
import { type Quantity, UNKNOWN, bytes, count, large, number, text } from '../format.ts';
import { Controls } from './controls.tsx';
import { Advice, Limits } from './findings.tsx';
import { fillFromGateway } from './from-gateway.ts';
import { GrowthChart } from './growth-chart.tsx';
import { GrowthSteps } from './growth-steps.tsx';
import { GrowthTable } from './growth-table.tsx';
import { usePlan } from './use-plan.ts';
import { marked } from './words.ts';

/** The view. */
export function PlanView(): JSX.Element {
  const [scenario, setScenario] = useState(DEFAULT_SCENARIO);
  const { plan, problem, isCurrent } = usePlan(scenario);
  return (
    <>
      <h1 class="title">Capacity planner</h1>
      <p class="lead">
        What verifying and carrying tokens costs, computed from measured unit costs. Figures with a ~ are extrapolated.
      </p>
      <Source scenario={scenario} setScenario={setScenario} />
      <div class="plan">
        <Controls scenario={scenario} change={setScenario} />
        <div class={isCurrent ? 'results' : 'results is-computing'} aria-busy={!isCurrent}>
          <p class="problem" role="status">
            {problem === undefined ? '' : `▲ ${problem}`}
          </p>
          <Present plan={plan} />
          <GrowthChart plan={plan} />
          <Limits plan={plan} />
          <Advice plan={plan} />
          <GrowthSteps scenario={scenario} />
        </div>
      </div>
      <GrowthTable plan={plan} />
    </>
  );
}

function Source(props: { readonly scenario: Scenario; readonly setScenario: (scenario: Scenario) => void }): JSX.Element {
  const [said, setSaid] = useState('The system of npm start, on a reference machine.');
  const fill = async (): Promise<void> => {
    const filled = await fillFromGateway(props.scenario);
    props.setScenario(filled.scenario);
    setSaid(filled.said);
  };
  const reset = (): void => {
    props.setScenario(DEFAULT_SCENARIO);
    setSaid('The system of npm start, on a reference machine.');
  };
  return (
    <div class="source">
      <button type="button" onClick={() => void fill()}>
        Take over from the gateway
      </button>
      <button type="button" onClick={reset}>
        Start again
      </button>
      <span class="soft" role="status">
        {said}
      </span>
    </div>
  );
}

function Present({ plan }: { readonly plan: Plan | undefined }): JSX.Element {
  const now = plan?.now;
  return (
    <dl class="figures">
      <Figure
        name="Requests"
        quantity={{ value: now === undefined ? UNKNOWN : large(now.requestsPerSecond), unit: '/s' }}
        note={now === undefined ? undefined : `${large(now.users)} users`}
      />
      <Compared name="Verification" now={now} unit="cores" of={({ verificationCores }) => verificationCores} />
      <Compared
        name="Cache hit rate"
        now={now}
        unit="%"
        of={({ hitRatio }) => hitRatio}
        show={(share) => inUnit(share * 100, '%')}
      />
      <Compared name="Tokens per link" now={now} unit="MB/s" of={({ perLink }) => perLink} show={perSecond} />
      <Compared name="Latency, 99 %" now={now} unit="ms" of={({ latency }) => latency?.p99Ms} />
      <Compared name="Cost, a month" now={now} unit="$" of={({ monthlyCost }) => monthlyCost} show={dollars} />
    </dl>
  );
}

interface ComparedProps {
  readonly name: string;
  /** undefined: not known yet. */
  readonly now: PlanRow | undefined;
  readonly unit: string;
  /** undefined: there is none, because the servers cannot keep up. */
  readonly of: (cost: SystemCost) => Marked | undefined;
  readonly show?: (value: number) => Quantity;
}

/** A figure with the remedies, and below it without. */
function Compared({ name, now, unit, of, show = (value) => inUnit(value, unit) }: ComparedProps): JSX.Element {
  if (now === undefined) return <Figure name={name} quantity={{ value: UNKNOWN, unit }} note={`without ${UNKNOWN}`} />;
  const shown = (cost: SystemCost): Quantity => {
    const figure = of(cost);
    if (figure === undefined) return { value: 'too slow', unit: '' };
    return { value: marked(figure, (value) => show(value).value), unit: show(figure.value).unit };
  };
  return <Figure name={name} quantity={shown(now.with)} note={`without ${text(shown(now.without))}`} />;
}

function inUnit(value: number, unit: string): Quantity {
  return { value: number(value), unit };
}

function dollars(value: number): Quantity {
  return { value: count(value), unit: '$' };
}

function perSecond(octets: number): Quantity {
  const { value, unit } = bytes(octets);
  return { value, unit: `${unit}/s` };
}
