/** Plans beside the page, so that sliders stay smooth. */
import { type GrowthAdvice, type Plan, type Scenario, grow, plan } from '@watchword/planner';

/** What the page asks. */
export interface PlanQuestion {
  readonly scenario: Scenario;
  /** undefined: the plan; a number: what to do when traffic grows so many times. */
  readonly growBy?: number | undefined;
}

/** What the page is told. */
export interface PlanAnswer {
  readonly plan?: Plan;
  readonly growth?: GrowthAdvice;
  /** Why there is neither. */
  readonly problem?: string;
}

// The global object of a worker; the page's types stand for a window.
const worker = self as unknown as {
  addEventListener(type: 'message', listener: (event: { readonly data: PlanQuestion }) => void): void;
  postMessage(answer: PlanAnswer, transfer: []): void;
};

worker.addEventListener('message', ({ data }) => worker.postMessage(answerTo(data), []));

function answerTo({ scenario, growBy }: PlanQuestion): PlanAnswer {
  try {
    return growBy === undefined ? { plan: plan(scenario) } : { growth: grow(scenario, growBy) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
