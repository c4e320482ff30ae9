/** The one figure that matters, and those that explain it. */
import type { JSX } from 'preact';
import { Figure } from '../figure.tsx';
import { UNKNOWN, count, latency, percent, rate, text } from '../format.ts';
import type { LiveFigures } from './figures.ts';

/** Signature checks avoided, and the figures around them. */
export function Headline({ figures }: { readonly figures: LiveFigures }): JSX.Element {
  const { avoidedShare, avoided, verifications, span } = figures;
  const share = percent(avoidedShare);
  return (
    <section class="headline" aria-labelledby="headline">
      <h1 id="headline">
        <span class="large">
          {share.value}
          <span class="unit">%</span>
        </span>
        <span class="says">of verifications needed no signature check</span>
      </h1>
      <div class="gauge" aria-hidden="true">
        <div style={{ width: `${(avoidedShare ?? 0) * 100}%` }} />
      </div>
      <p class="soft">
        {verifications === 0
          ? 'No verification yet: send a request with a token through the gateway.'
          : `${count(avoided)} of ${count(verifications)} ${span === 'recent' ? 'in the last ten seconds' : 'since the gateway started'}`}
      </p>
      <Facts figures={figures} />
    </section>
  );
}

function Facts({ figures }: { readonly figures: LiveFigures }): JSX.Element {
  const { verificationCores, withoutCacheCores } = figures;
  const saved =
    verificationCores === undefined || withoutCacheCores === undefined
      ? undefined
      : Math.max(0, withoutCacheCores - verificationCores);
  return (
    <dl class="figures">
      <Figure
        name="Requests"
        quantity={rate(figures.requestsPerSecond)}
        note={`${text(rate(figures.refusedPerSecond))} refused`}
      />
      <Figure
        name="Signature checks"
        quantity={rate(figures.checksPerSecond)}
        note={`${text(rate(figures.avoidedPerSecond))} avoided`}
      />
      <Figure name="Cache hit rate" quantity={percent(figures.hitRate)} note="of look-ups" />
      <Figure
        name="Verification CPU"
        quantity={{ ...percentOfCore(verificationCores), unit: '% of core' }}
        note={`saves ${percentOfCore(saved).value} %`}
      />
      <Figure
        name="Latency, median"
        quantity={latency(figures.p50Seconds)}
        note={`99 % below ${text(latency(figures.p99Seconds))}`}
      />
      <Figure name="Queue" quantity={{ value: count(figures.waiting), unit: 'waiting' }} note="checks and upstreams" />
    </dl>
  );
}

function percentOfCore(cores: number | undefined): { readonly value: string } {
  return { value: cores === undefined ? UNKNOWN : (cores * 100).toFixed(cores < 0.1 ? 2 : 1) };
}
