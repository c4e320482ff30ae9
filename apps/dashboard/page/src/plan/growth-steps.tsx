/** What to do first when traffic grows. */
import type { Scenario } from '@watchword/planner';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { count, large } from '../format.ts';
import { usePlan } from './use-plan.ts';
import { limitName, marked } from './words.ts';

const FACTORS: readonly number[] = [2, 10, 100];

/** The steps, in their order. */
export function GrowthSteps({ scenario }: { readonly scenario: Scenario }): JSX.Element {
  const [factor, setFactor] = useState(10);
  const { growth, isCurrent } = usePlan(scenario, factor);
  return (
    <section aria-labelledby="steps" class={isCurrent ? 'steps' : 'steps is-computing'} aria-busy={!isCurrent}>
      <h2 id="steps">If traffic grows</h2>
      <div class="measures" role="group" aria-label="How many times">
        {FACTORS.map((times) => (
          <button key={times} type="button" aria-pressed={times === factor} onClick={() => setFactor(times)}>
            {times} times
          </button>
        ))}
      </div>
      <p>
        {growth === undefined
          ? 'Working it out …'
          : growth.breaks === undefined
            ? `At ${large(growth.users)} users nothing breaks.`
            : `At ${large(growth.users)} users this breaks first: ${limitName(growth.breaks)}, beyond ${marked(growth.breaks.requestsPerSecond, large)} requests/s.`}
      </p>
      <ol>
        {growth?.steps.map(({ remedy, action, reason, monthlyCostAfter }) => (
          <li key={remedy}>
            <div class="advice-head">
              <span>{sentence(action)}</span>
              <span class="at">
                {marked(monthlyCostAfter, (value) => `$${count(value)}`)}
                <span class="soft"> a month</span>
              </span>
            </div>
            <p class="soft">{reason}</p>
          </li>
        ))}
      </ol>
    </section>
  );
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
