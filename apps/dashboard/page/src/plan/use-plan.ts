/** The plan for a scenario, computed beside the page. */
import type { Scenario } from '@watchword/planner';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { PlanAnswer } from './plan-worker.ts';

/** The answer to the scenario, or to an earlier one while this one is computed. */
export function usePlan(scenario: Scenario): PlanAnswer & { readonly isCurrent: boolean } {
  const [answer, setAnswer] = useState<PlanAnswer & { readonly isCurrent: boolean }>({ isCurrent: false });
  const ask = useRef<((scenario: Scenario) => void) | undefined>(undefined);
  useEffect(() => {
    const planner = startPlanner((answer, isCurrent) => setAnswer({ ...answer, isCurrent }));
    ask.current = planner.ask;
    return planner.stop;
  }, []);
  useEffect(() => {
    setAnswer((before) => ({ ...before, isCurrent: false }));
    ask.current?.(scenario);
  }, [scenario]);
  return answer;
}

/** Of questions that come faster than answers only the last one is answered. */
function startPlanner(tell: (answer: PlanAnswer, isCurrent: boolean) => void): {
  readonly ask: (scenario: Scenario) => void;
  readonly stop: () => void;
} {
  const worker = new Worker(new URL('./plan-worker.ts', import.meta.url), { type: 'module' });
  let busy = false;
  let next: Scenario | undefined;
  const ask = (scenario: Scenario): void => {
    if (busy) {
      next = scenario;
      return;
    }
    busy = true;
    worker.postMessage(scenario);
  };
  worker.onmessage = ({ data }: MessageEvent<PlanAnswer>) => {
    busy = false;
    const waiting = next;
    next = undefined;
    tell(data, waiting === undefined);
    if (waiting !== undefined) ask(waiting);
  };
  worker.onerror = () => tell({ problem: 'The planner could not be started' }, true);
  return { ask, stop: () => worker.terminate() };
}
