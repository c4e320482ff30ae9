/** The capacity planner. */
import type { JSX } from 'preact';

/** The view. */
export function PlanView(): JSX.Element {
  return (
    <>
      <h1 class="title">Capacity planner</h1>
      <p class="lead">On its way.</p>
    </>
  );
}
