/** The services behind the gateway that say what their verifications cost. */
import type { JSX } from 'preact';
import { latency, percent, rate, text } from '../format.ts';
import { liveFigures } from './figures.ts';
import type { KnownGateway } from './use-gateways.ts';

/** A line for each; nothing where there are none. */
export function Services({ services }: { readonly services: readonly KnownGateway[] }): JSX.Element | null {
  if (services.length === 0) return null;
  return (
    <section aria-labelledby="services">
      <h2 id="services">What services do with their tokens</h2>
      <div class="scroll" role="region" aria-labelledby="services" tabIndex={0}>
        <table class="services">
          <thead>
            <tr>
              <th scope="col">Service</th>
              {['Without a check', 'Verifications', 'Signature checks', 'A check takes'].map((name) => (
                <th key={name} scope="col" class="is-number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {services.map((service) => (
              <Row key={service.origin} service={service} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Row({ service: { name, latest, earlier, problem } }: { readonly service: KnownGateway }): JSX.Element {
  const { checksPerSecond, avoidedPerSecond, avoidedShare, verifySeconds } = liveFigures(latest!, earlier ?? latest!);
  const all = checksPerSecond === undefined ? undefined : checksPerSecond + avoidedPerSecond!;
  return (
    <tr>
      <th scope="row">
        {name}
        {problem !== undefined && <span class="soft"> ▲ away</span>}
      </th>
      <td class="is-number">{text(percent(avoidedShare))}</td>
      <td class="is-number">{text(rate(all))}</td>
      <td class="is-number">{text(rate(checksPerSecond))}</td>
      <td class="is-number">{text(latency(verifySeconds))}</td>
    </tr>
  );
}
