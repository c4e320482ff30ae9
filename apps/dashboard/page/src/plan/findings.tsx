/** What gives way first, and what helps most. */
import { BASIS_MARKS, type Plan } from '@watchword/planner';
import type { JSX } from 'preact';
import { count, large, number } from '../format.ts';
import { REMEDY_NAMES, groupedLimits, marked } from './words.ts';

/** Limits in the order in which they are reached. */
export function Limits({ plan }: { readonly plan: Plan | undefined }): JSX.Element {
  const load = plan?.now.requestsPerSecond ?? 0;
  return (
    <section aria-labelledby="limits" class="limits">
      <h2 id="limits">What gives way, in this order</h2>
      <ol>
        {groupedLimits(plan?.now.with.bottlenecks ?? [])
          .slice(0, 5)
          .map(({ name, at }) => (
            <li key={name} class={at <= load ? 'is-reached' : ''}>
              <span>{name}</span>
              <span class="at">
                {`${BASIS_MARKS.extrapolated}${large(at)}/s`}
                <span class="soft">{at <= load ? ' reached' : ` ${number(at / load)} × today`}</span>
              </span>
            </li>
          ))}
      </ol>
    </section>
  );
}

/** Remedies in the order of what they save. */
export function Advice({ plan }: { readonly plan: Plan | undefined }): JSX.Element {
  const advice = plan?.advice ?? [];
  const most = Math.max(1, ...advice.map(({ savesPerMonth }) => savesPerMonth.value));
  return (
    <section aria-labelledby="advice" class="advice">
      <h2 id="advice">What helps most</h2>
      <ol>
        {advice.map(({ remedy, isOn, savesPerMonth, reason }) => (
          <li key={remedy}>
            <div class="advice-head">
              <span>
                {REMEDY_NAMES[remedy]}
                {!isOn && <span class="soft"> off</span>}
              </span>
              <span class="at">
                {marked(savesPerMonth, (value) => `${value < -0.5 ? '−' : ''}$${count(Math.abs(value))}`)}
                <span class="soft"> a month</span>
              </span>
            </div>
            <div class="gauge" aria-hidden="true">
              <div style={{ width: `${(Math.max(0, savesPerMonth.value) / most) * 100}%` }} />
            </div>
            <p class="soft">{reason}</p>
          </li>
        ))}
      </ol>
      {plan?.remarks.map((remark) => (
        <p key={remark} class="soft">
          {`${BASIS_MARKS.extrapolated} ${remark}`}
        </p>
      ))}
    </section>
  );
}
