/** One run: orders and kills at the same time, times in which nobody works, then the question what became of everything. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Callers } from './callers.ts';
import type { Promises } from './checker.ts';
import { Client } from './client.ts';
import { Collector } from './collector.ts';
import { Destroyer } from './destroyer.ts';
import { Dice } from './dice.ts';
import { KINDS, type Kind, WAITING_KINDS } from './kinds.ts';
import { Orders, WAY_MS } from './orders.ts';
import { Reconfigurer } from './reconfigurer.ts';
import { type ClientLine, Journal } from './records.ts';
import { type QueueName, STALE_MS, type Stage, withStage } from './stage.ts';

/** What to do. */
export interface ChaosPlan {
  readonly requests: number;
  readonly queue: QueueName;
  readonly seed: number;
  /** After so long nothing more is sent, however much there would be. */
  readonly minutes?: number | undefined;
  /** Files of the run. */
  readonly folder: string;
  /** Whether to do, now and then, what must never happen: a run that does not fail then proves nothing. */
  readonly isMeddled: boolean;
  /** Is told how far it is, every few seconds. */
  readonly onProgress: (text: string) => void;
}

/** Where the two sides have written, and what they cannot know. */
export interface ChaosRecords {
  readonly client: string;
  readonly service: string;
  readonly seconds: number;
  /** Times that a client was told to come again. */
  readonly comeAgain: number;
}

/** What the gateway promises with this queue, and how long a request may be on its way on a busy machine. */
export function promisesOf({ queue }: Pick<ChaosPlan, 'queue'>): Promises {
  return { revocationLagMs: STALE_MS + WAY_MS, wayMs: WAY_MS, isRefusalCertain: queue === 'sqlite' };
}

/** Requests at a time. */
const AT_ONCE = 128;
const WAITING_SHARE = 0.04;
/** The queue has room for so many: while nobody works nobody makes any. */
const MOST_WAITING = 1000;
/** Beyond the lag of revocations, the tolerance for short tokens, and the age of brief ones. */
const NOBODY_WORKS_MS = 8500;
/** Longer than all attempts take. */
const NOBODY_SERVES_MS = 8000;
/** Smaller runs are to be over soon. */
const LEAST_WITH_OUTAGE = 500;
const PATIENCE_MS = 90_000;
const LAST = 100;
const SAMPLE = 0.05;
const SAMPLE_EVERY_MS = 500;
const PROGRESS_EVERY_MS = 5000;

/** Longest time a run may take. */
export function limitMs({ requests }: Pick<ChaosPlan, 'requests'>): number {
  return 300_000 + 60 * requests;
}

/** Plays it. @throws Error when its time is up */
export async function playChaos(plan: ChaosPlan): Promise<ChaosRecords> {
  const from = performance.now();
  const clientFile = join(plan.folder, 'client.jsonl');
  const journal = new Journal<ClientLine>(clientFile);
  return withStage(plan, async (stage) => {
    const run = new Run(plan, stage, journal);
    const progress = setInterval(() => void run.tell(), PROGRESS_EVERY_MS);
    try {
      await run.play();
      await stage.service.ask('finish');
    } finally {
      clearInterval(progress);
      await run.close();
      journal.close();
    }
    const seconds = (performance.now() - from) / 1000;
    return { client: clientFile, service: stage.serviceJournal, seconds, comeAgain: run.orders.comeAgain };
  });
}

class Run {
  readonly orders: Orders;
  readonly #plan: ChaosPlan;
  readonly #stage: Stage;
  readonly #journal: Journal<ClientLine>;
  readonly #dice: Dice;
  readonly #clients: readonly Client[];
  readonly #collector: Collector;
  #kills = 0;
  #phase = 'starting';

  constructor(plan: ChaosPlan, stage: Stage, journal: Journal<ClientLine>) {
    this.#plan = plan;
    this.#stage = stage;
    this.#journal = journal;
    this.#dice = new Dice(plan.seed);
    const { tenants, doors } = stage;
    const deadline = Date.now() + limitMs(plan);
    const customers = tenants.map((tenant, index) => ({
      tenant,
      client: new Client(doors, tenant.localAddress, deadline),
      callers: new Callers(tenant, tenants[(index + 1) % tenants.length]!.pair),
    }));
    this.#clients = customers.map(({ client }) => client);
    const isRefusalCertain = promisesOf(plan).isRefusalCertain;
    this.orders = new Orders({ customers, journal, dice: this.#dice, isRefusalCertain });
    this.#collector = new Collector(this.#clients[0]!, journal);
  }

  async play(): Promise<void> {
    const { requests } = this.#plan;
    const phases = Math.min(5, Math.ceil(requests / 20_000));
    const waiting = Math.min(MOST_WAITING, Math.max(30, Math.round((WAITING_SHARE * requests) / phases)));
    const busy = Math.max(1, Math.ceil(requests / phases) - waiting);
    const fromMs = Date.now();
    const limitOfMs = (this.#plan.minutes ?? Infinity) * 60_000;
    let isOver = false;
    const sampling = this.#sample(() => isOver);
    try {
      for (let phase = 1; phase <= phases; phase += 1) {
        this.#phase = `phase ${phase} of ${phases}`;
        await this.#work(busy, fromMs + (limitOfMs * phase) / phases);
        // With room in the queue: nobody makes any while nobody works. What came last ends last, but for what is tried again.
        this.#phase += ', catching up';
        await this.#collector.collect(this.orders.receipts.slice(-LAST), PATIENCE_MS);
        this.#phase = `phase ${phase} of ${phases}, nobody works`;
        await this.#wait(waiting);
      }
    } finally {
      isOver = true;
      await sampling;
    }
    this.#phase = 'what became of it';
    await this.#collector.collect(this.orders.receipts, PATIENCE_MS);
  }

  async tell(): Promise<void> {
    const effects = await this.#stage.service.ask<number>('effects').catch(() => '?');
    const { sent, receipts } = this.orders;
    this.#plan.onProgress(
      `${this.#phase}: ${sent} sent, ${receipts.length} receipts, ${effects} done, ${this.#kills} kills, ${this.#collector.ended} ends told`,
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  /** Orders and kills. */
  async #work(count: number, untilMs: number): Promise<void> {
    const every = Math.min(600, Math.max(60, count / 12));
    await this.#underFire(this.#stage.victims, every, () => this.#send(KINDS, count, untilMs));
  }

  /** Nobody works, and those that accept are killed: so what is accepted becomes old, and is taken back, before it runs. */
  async #wait(count: number): Promise<void> {
    const workers = this.#destroyer(
      this.#stage.victims.filter(({ role }) => role === 'works'),
      Infinity,
    );
    await workers.kill('works');
    this.#kills += workers.kills;
    const others = this.#stage.victims.filter(({ role }) => role !== 'works');
    await this.#underFire(others, Math.max(30, count / 4), () => this.#send(WAITING_KINDS, count));
    await delay(NOBODY_WORKS_MS);
    const { isMeddled, requests } = this.#plan;
    if (isMeddled || requests < LEAST_WITH_OUTAGE) return workers.startAll();
    // Those who work find nobody behind them: an outage makes no dead letters.
    this.#phase += ', nobody serves';
    await this.#stage.leave();
    await workers.startAll();
    await delay(NOBODY_SERVES_MS);
    await this.#stage.comeBack();
  }

  async #underFire(victims: Stage['victims'], every: number, work: () => Promise<void>): Promise<void> {
    let isOver = false;
    const destroyer = this.#destroyer(victims, every);
    const working = work().finally(() => (isOver = true));
    const before = this.#kills;
    const counting = setInterval(() => (this.#kills = before + destroyer.kills), 100);
    const { gateways, sealFile } = this.#stage;
    const reconfigurer = new Reconfigurer({ gateways, sealFile, journal: this.#journal, dice: this.#dice });
    try {
      await Promise.all([working, destroyer.rage(() => isOver), reconfigurer.change(() => isOver)]);
    } finally {
      clearInterval(counting);
      this.#kills = before + destroyer.kills;
    }
  }

  async #send(kinds: readonly Kind[], count: number, untilMs = Infinity): Promise<void> {
    let left = count;
    const loop = async (): Promise<void> => {
      while (left > 0 && Date.now() < untilMs) {
        left -= 1;
        await this.orders.send(this.#dice.weigh(kinds));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, loop));
  }

  /** Some are asked for while everything falls: what a client was told once must stay so. */
  async #sample(isOver: () => boolean): Promise<void> {
    let next = 0;
    while (!isOver()) {
      await delay(SAMPLE_EVERY_MS);
      const fresh = this.orders.receipts.slice(next);
      next += fresh.length;
      const some = fresh.filter(() => this.#dice.chance(SAMPLE));
      for (let turn = 0; turn < some.length && !isOver(); turn += SAMPLE_AT_ONCE)
        await this.#collector.collect(some.slice(turn, turn + SAMPLE_AT_ONCE), 2 * NOBODY_WORKS_MS);
    }
  }

  #destroyer(victims: Stage['victims'], every: number): Destroyer {
    const start = this.orders.sent;
    const sent = (): number => this.orders.sent - start;
    return new Destroyer({ victims, journal: this.#journal, dice: this.#dice, sent, every });
  }
}

const SAMPLE_AT_ONCE = 50;
