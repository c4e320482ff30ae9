/** Gives gateways other configurations while they work: good ones, which must be applied, and broken ones, which must change nothing. */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import type { Dice } from './dice.ts';
import type { ClientLine, Journal } from './records.ts';

/** A gateway that can be told to read its configuration again. */
export interface Configurable {
  readonly name: string;
  readonly file: string;
  readonly controlPort: number;
  /** The configurations that it may have, by number. Restarts find one of them in its file. */
  readonly variant: (number: number) => object;
}

/** How it goes about. */
export interface ReconfigurerOptions {
  readonly gateways: readonly Configurable[];
  /** File with the keys that seal what waits: their order changes, too. */
  readonly sealFile: string;
  readonly journal: Pick<Journal<ClientLine>, 'add'>;
  readonly dice: Dice;
}

const LONGEST_PAUSE_MS = 3000;
const LOOK_MS = 50;

/** One who does. */
export class Reconfigurer {
  readonly #options: ReconfigurerOptions;
  #number = 0;

  constructor(options: ReconfigurerOptions) {
    this.#options = options;
  }

  async change(isOver: () => boolean): Promise<void> {
    const { gateways, dice } = this.#options;
    while (!isOver()) {
      const endsAt = performance.now() + dice.int(LONGEST_PAUSE_MS);
      while (!isOver() && performance.now() < endsAt) await delay(LOOK_MS);
      if (dice.chance(0.2)) this.#turnKeys();
      await this.#changeOne(dice.pick(gateways), dice.chance(0.15));
    }
  }

  async #changeOne({ name, file, controlPort, variant }: Configurable, isBroken: boolean): Promise<void> {
    const good = JSON.stringify(variant((this.#number += 1)));
    if (!isBroken) replace(file, good);
    else replace(file, good.replace('"routes"', '"rotes"'));
    const { status, detail } = await reload(controlPort);
    const isExpected = status === (isBroken ? 422 : 200);
    // Whoever starts meanwhile finds the broken one, ends, and is started again.
    if (isBroken) replace(file, good);
    this.#options.journal.add({
      at: Date.now(),
      what: 'reloaded',
      name,
      status,
      isGood: !isBroken,
      ...(isExpected ? {} : { detail }),
    });
  }

  #turnKeys(): void {
    const { sealFile } = this.#options;
    replace(sealFile, `${readFileSync(sealFile, 'utf8').trim().split('\n').toReversed().join('\n')}\n`);
  }
}

// 0: it is down, or was killed meanwhile.
async function reload(controlPort: number): Promise<{ readonly status: number; readonly detail?: string }> {
  try {
    const answer = await request(`http://127.0.0.1:${controlPort}/reload`, { method: 'POST' });
    return { status: answer.statusCode, detail: await answer.body.text() };
  } catch {
    return { status: 0 };
  }
}

// At once: nobody reads half of it.
function replace(file: string, text: string): void {
  const next = `${file}.${randomBytes(4).toString('hex')}`;
  writeFileSync(next, text, { mode: 0o600 });
  renameSync(next, file);
}
