/** Answers of the planner, computed beside the page. */
import type { Scenario } from '@watchword/planner';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { PlanAnswer, PlanQuestion } from './plan-worker.ts';

interface Answered extends PlanAnswer {
  /** undefined: there was no answer yet. */
  readonly question: PlanQuestion | undefined;
}

/**
 * The answer to the question, or to an earlier one while this one is computed.
 * @param growBy undefined: the plan; a number: what to do when traffic grows so many times
 */
export function usePlan(scenario: Scenario, growBy?: number): PlanAnswer & { readonly isCurrent: boolean } {
  const question = useMemo<PlanQuestion>(() => ({ scenario, growBy }), [scenario, growBy]);
  const [answer, setAnswer] = useState<Answered>({ question: undefined });
  const ask = useRef<((question: PlanQuestion) => void) | undefined>(undefined);
  useEffect(() => {
    const planner = startPlanner(setAnswer);
    ask.current = planner.ask;
    return planner.stop;
  }, []);
  useEffect(() => ask.current?.(question), [question]);
  return { ...answer, isCurrent: answer.question === question };
}

/** Of questions that come faster than answers only the last one is answered. */
function startPlanner(tell: (answer: Answered) => void): {
  readonly ask: (question: PlanQuestion) => void;
  readonly stop: () => void;
} {
  const worker = new Worker(new URL('./plan-worker.ts', import.meta.url), { type: 'module' });
  let asked: PlanQuestion | undefined;
  let next: PlanQuestion | undefined;
  const ask = (question: PlanQuestion): void => {
    if (asked !== undefined) {
      next = question;
      return;
    }
    asked = question;
    worker.postMessage(question, []);
  };
  worker.addEventListener('message', ({ data }: MessageEvent<PlanAnswer>) => {
    tell({ ...data, question: asked });
    const waiting = next;
    asked = next = undefined;
    if (waiting !== undefined) ask(waiting);
  });
  worker.addEventListener('error', () => tell({ question: asked, problem: 'The planner could not be started' }));
  return { ask, stop: () => worker.terminate() };
}
