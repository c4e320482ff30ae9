/** The capacity planner: what a system costs as it grows, with and without each remedy. */
import { type Plan, type Scenario, DEFAULT_SCENARIO } from '@watchword/planner';
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

/** The view. */
export function PlanView(): JSX.Element {
  const [scenario, setScenario] = useState(DEFAULT_SCENARIO);
  const { plan, problem, isCurrent } = usePlan(scenario);
  return (
    <>
      <h1 class="title">Capacity planner</h1>
      <p class="lead">
        What verifying and carrying tokens costs, computed from measured unit costs. Beyond what was run, every figure is an
        extrapolation.
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
  const was = (show: (row: NonNullable<typeof now>) => string): string => `without ${now === undefined ? UNKNOWN : show(now)}`;
  const latency = (row: NonNullable<typeof now>['with'] | undefined): Quantity =>
    row?.latency === null
      ? { value: 'none', unit: 'too slow' }
      : { value: row === undefined ? UNKNOWN : number(row.latency!.p99Ms.value), unit: 'ms' };
  return (
    <dl class="figures">
      <Figure
        name="Requests"
        quantity={{ value: now === undefined ? UNKNOWN : large(now.requestsPerSecond), unit: '/s' }}
        note={now === undefined ? undefined : `${large(now.users)} users`}
      />
      <Figure
        name="Verification"
        quantity={{ value: now === undefined ? UNKNOWN : number(now.with.verificationCores.value), unit: 'cores' }}
        note={was(({ without }) => number(without.verificationCores.value))}
      />
      <Figure
        name="Cache hit rate"
        quantity={{ value: now === undefined ? UNKNOWN : number(now.with.hitRatio.value * 100), unit: '%' }}
        note="of look-ups"
      />
      <Figure
        name="Tokens per link"
        quantity={now === undefined ? { value: UNKNOWN, unit: 'MB/s' } : perSecond(now.with.perLink.megabytesPerSecond)}
        note={was(({ without }) => text(perSecond(without.perLink.megabytesPerSecond)))}
      />
      <Figure name="Latency, 99 %" quantity={latency(now?.with)} note={was(({ without }) => text(latency(without)))} />
      <Figure
        name="Cost"
        quantity={{ value: now === undefined ? UNKNOWN : `$${count(now.with.monthlyCost.value)}`, unit: 'a month' }}
        note={was(({ without }) => `$${count(without.monthlyCost.value)}`)}
      />
    </dl>
  );
}

function perSecond(megabytes: number): Quantity {
  const { value, unit } = bytes(megabytes * 1e6);
  return { value, unit: `${unit}/s` };
}
