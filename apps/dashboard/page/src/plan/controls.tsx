/** The sliders, the choices and the remedies. */
import {
  type Affinity,
  type Remedy,
  type Scenario,
  type TokenAlgorithm,
  AFFINITIES,
  REMEDIES,
  TOKEN_ALGORITHMS,
} from '@watchword/planner';
import type { ComponentChildren, JSX } from 'preact';
import { GROUPS, POSITIONS, type Setting, positionOf, valueAt } from './settings.ts';
import { REMEDY_NAMES } from './words.ts';

/** What they show and change. */
export interface ControlsProps {
  readonly scenario: Scenario;
  readonly change: (scenario: Scenario) => void;
}

/** All controls. */
export function Controls({ scenario, change }: ControlsProps): JSX.Element {
  return (
    <form class="controls" onSubmit={(event) => event.preventDefault()}>
      {GROUPS.map(({ title, settings }) => (
        <Group key={title} title={title}>
          {settings.map((setting) => (
            <Slider key={setting.id} setting={setting} scenario={scenario} change={change} />
          ))}
          {title === 'Tokens' && <Algorithm scenario={scenario} change={change} />}
          {title === 'Servers' && <AffinityChoice scenario={scenario} change={change} />}
        </Group>
      ))}
      <Group title="Remedies">
        {REMEDIES.map((remedy) => (
          <RemedySwitch key={remedy} remedy={remedy} scenario={scenario} change={change} />
        ))}
      </Group>
    </form>
  );
}

/** Where there is room beside the results, all groups are open; on a phone they would hide them. */
const HAS_ROOM = '(min-width: 52.01rem)';

function Group({ title, children }: { readonly title: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <details class="group" open={matchMedia(HAS_ROOM).matches}>
      <summary>{title}</summary>
      {children}
    </details>
  );
}

function Slider({ setting, scenario, change }: ControlsProps & { readonly setting: Setting }): JSX.Element {
  const value = setting.read(scenario);
  return (
    <div class="slider">
      <label for={setting.id}>{setting.label}</label>
      <output for={setting.id}>{setting.show(value)}</output>
      <input
        id={setting.id}
        type="range"
        min={0}
        max={POSITIONS}
        value={positionOf(setting, value)}
        aria-valuetext={setting.show(value)}
        onInput={(event) => change(setting.write(scenario, valueAt(setting, Number(event.currentTarget.value))))}
      />
    </div>
  );
}

function Algorithm({ scenario, change }: ControlsProps): JSX.Element {
  return (
    <label class="choice">
      Signature
      <select
        value={scenario.token.algorithm}
        onChange={(event) =>
          change({ ...scenario, token: { ...scenario.token, algorithm: event.currentTarget.value as TokenAlgorithm } })
        }
      >
        {TOKEN_ALGORITHMS.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}

const AFFINITY_NAMES: Readonly<Record<Affinity, string>> = {
  none: 'any instance',
  instance: 'the same instance',
  thread: 'the same thread',
};

function AffinityChoice({ scenario, change }: ControlsProps): JSX.Element {
  return (
    <label class="choice">
      A user comes to
      <select
        value={scenario.affinity}
        onChange={(event) => change({ ...scenario, affinity: event.currentTarget.value as Affinity })}
      >
        {AFFINITIES.map((affinity) => (
          <option key={affinity} value={affinity}>
            {AFFINITY_NAMES[affinity]}
          </option>
        ))}
      </select>
    </label>
  );
}

function RemedySwitch({ remedy, scenario, change }: ControlsProps & { readonly remedy: Remedy }): JSX.Element {
  return (
    <label class="switch">
      <input
        type="checkbox"
        checked={scenario.remedies[remedy]}
        onChange={(event) => change({ ...scenario, remedies: { ...scenario.remedies, [remedy]: event.currentTarget.checked } })}
      />
      {REMEDY_NAMES[remedy]}
    </label>
  );
}
