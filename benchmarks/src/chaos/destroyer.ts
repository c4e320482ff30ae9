/** Kills at random moments, and starts again what was killed. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Dice } from './dice.ts';
import type { ClientLine, Journal } from './records.ts';
import type { Role, Victim } from './victims.ts';

/** How it goes about. */
export interface DestroyerOptions {
  readonly victims: readonly Victim[];
  readonly journal: Pick<Journal<ClientLine>, 'add'>;
  readonly dice: Dice;
  /** Orders that were sent: kills follow the work, so that there is always something under way. */
  readonly sent: () => number;
  /** Orders from one kill to the next, on average; sooner where that takes longer than a few seconds. */
  readonly every: number;
}

const LOOK_MS = 5;
/** On average, from when everything is up again. */
const LONGEST_PEACE_MS = 4000;
const LONGEST_DOWN_MS = 400;

/** One who kills. */
export class Destroyer {
  kills = 0;
  readonly #options: DestroyerOptions;
  #next: number;

  constructor(options: DestroyerOptions) {
    this.#options = options;
    this.#next = options.every / 2;
  }

  /** Kills until `isOver`; then everything is up. */
  async rage(isOver: () => boolean): Promise<void> {
    const { dice, sent, every } = this.#options;
    const atLast = (): number => performance.now() + LONGEST_PEACE_MS * (0.5 + dice.next());
    let peaceEndsAt = atLast();
    while (!isOver()) {
      if (sent() < this.#next && performance.now() < peaceEndsAt) {
        await delay(LOOK_MS);
        continue;
      }
      this.#next = sent() + every * (0.5 + dice.next());
      // Anywhere between two requests.
      await delay(dice.int(50));
      await this.#strike(this.#targets());
      peaceEndsAt = atLast();
    }
    await this.startAll();
  }

  /** Kills all of these, and leaves them so. */
  async kill(role: Role): Promise<void> {
    await this.#killAll(this.#options.victims.filter((victim) => victim.role === role));
  }

  async startAll(): Promise<void> {
    for (const victim of this.#options.victims) await this.#start(victim);
  }

  #targets(): readonly Victim[] {
    const { dice, victims } = this.#options;
    if (dice.chance(0.05)) return victims;
    const role = dice.pick<Role>(['accepts', 'works', 'works', 'stores', 'publishes']);
    const own = victims.filter((victim) => victim.role === role);
    return own.length === 0 || dice.chance(0.7) ? [dice.pick(own.length === 0 ? victims : own)] : own;
  }

  async #strike(targets: readonly Victim[]): Promise<void> {
    const { dice } = this.#options;
    await this.#killAll(targets);
    await delay(dice.int(LONGEST_DOWN_MS));
    for (const victim of targets) {
      await this.#start(victim);
      // Some fall as soon as they stand.
      if (dice.chance(0.1)) {
        await delay(dice.int(100));
        await this.#killAll([victim]);
        await this.#start(victim);
      }
    }
  }

  async #killAll(victims: readonly Victim[]): Promise<void> {
    for (const { name } of victims) this.#options.journal.add({ at: Date.now(), what: 'killed', name });
    this.kills += victims.length;
    await Promise.all(victims.map((victim) => victim.kill()));
  }

  async #start(victim: Victim): Promise<void> {
    if (victim.isUp) return;
    await victim.start();
    this.#options.journal.add({ at: Date.now(), what: 'started', name: victim.name });
  }
}
