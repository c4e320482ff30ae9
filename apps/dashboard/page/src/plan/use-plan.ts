/** The plan for a scenario, computed beside the page. */
import type { Scenario } from '@watchword/planner';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { PlanAnswer } from './plan-worker.ts';

interface Answered extends PlanAnswer {
  /** undefined: there was no answer yet. */
  readonly scenario: Scenario | undefined;
}

/** The answer to the scenario, or to an earlier one while this one is computed. */
export function usePlan(scenario: Scenario): PlanAnswer & { readonly isCurrent: boolean } {
  const [answer, setAnswer] = useState<Answered>({ scenario: undefined });
  const ask = useRef<((scenario: Scenario) => void) | undefined>(undefined);
  useEffect(() => {
    const planner = startPlanner(setAnswer);
    ask.current = planner.ask;
    return planner.stop;
  }, []);
  useEffect(() => ask.current?.(scenario), [scenario]);
  return { ...answer, isCurrent: answer.scenario === scenario };
}

/** Of questions that come faster than answers only the last one is answered. */
function startPlanner(tell: (answer: Answered) => void): {
  readonly ask: (scenario: Scenario) => void;
  readonly stop: () => void;
} {
  const worker = new Worker(new URL('./plan-worker.ts', import.meta.url), { type: 'module' });
  let asked: Scenario | undefined;
  let next: Scenario | undefined;
  const ask = (scenario: Scenario): void => {
    if (asked !== undefined) {
      next = scenario;
      return;
    }
    asked = scenario;
    worker.postMessage(scenario, []);
  };
  worker.addEventListener('message', ({ data }: MessageEvent<PlanAnswer>) => {
    tell({ ...data, scenario: asked });
    const waiting = next;
    asked = next = undefined;
    if (waiting !== undefined) ask(waiting);
  });
  worker.addEventListener('error', () => tell({ scenario: asked, problem: 'The planner could not be started' }));
  return { ask, stop: () => worker.terminate() };
}
