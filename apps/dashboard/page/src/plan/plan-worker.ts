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
  onmessage: (event: { readonly data: Scenario }) => void;
  postMessage(answer: PlanAnswer): void;
};

worker.onmessage = ({ data }) => {
  try {
    worker.postMessage({ plan: plan(data) });
  } catch (error) {
    worker.postMessage({ problem: error instanceof Error ? error.message : String(error) });
  }
};
