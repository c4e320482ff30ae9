/** Plans beside the page, so that sliders stay smooth. */
import { type Plan, type Scenario, plan } from '@watchword/planner';

/** What the page is told. */
export interface PlanAnswer {
  readonly plan?: Plan;
  /** Why there is none. */
  readonly problem?: string;
}

// The global object of a worker; the page's types stand for a window.
const worker = self as unknown as {
  addEventListener(type: 'message', listener: (event: { readonly data: Scenario }) => void): void;
  postMessage(answer: PlanAnswer, transfer: []): void;
};

worker.addEventListener('message', ({ data }) => worker.postMessage(answerTo(data), []));

function answerTo(scenario: Scenario): PlanAnswer {
  try {
    return { plan: plan(scenario) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
