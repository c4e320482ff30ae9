/**
 * The independent checker: from what the clients and the service have written down, and from nothing else, finds every order that came
 * to another end than it had to. It shares no code with what it checks.
 */
import type { ClientLine, Must, ServiceLine } from './records.ts';
import { RULES } from './rules.ts';

/** A rule that is broken. */
export interface Finding {
  readonly rule: string;
  /** Whose history shows it; undefined: it is about the run as a whole. */
  readonly order?: string;
  readonly text: string;
}

/** What a checker has to know of the gateway's promises. */
export interface Promises {
  /** How long after its confirmation a revocation may still be unknown somewhere, and a request be on its way. */
  readonly revocationLagMs: number;
  /** How long a request may be on its way to the service. */
  readonly wayMs: number;
  /** Whether 503 says that nothing was stored. A store on the network may have been lost just after it had stored. */
  readonly isRefusalCertain: boolean;
}

/** An end that a client was told of. */
export type End = Extract<ClientLine, { readonly what: 'end' }>;

/** All that is known of one order. */
export interface Story {
  readonly order: string;
  readonly kind: string;
  readonly must: Must;
  readonly subject: string;
  readonly maxAgeMs: number | undefined;
  readonly tokenEndsAt: number | undefined;
  /** Answers that were no receipts. */
  readonly answers: { readonly at: number; readonly status: number }[];
  /** Receipts, and when they came. */
  readonly receipts: Map<string, number>;
  readonly ends: End[];
  readonly deliveries: ServiceLine[];
  revokedAt: number | undefined;
}

/** How many of what there was. */
export interface Counts {
  orders: number;
  receipts: number;
  turnedAway: number;
  unheard: number;
  deliveries: number;
  effects: number;
  done: number;
  refused: number;
  dead: number;
  /** Dead letters of orders that had to run: tried as often as is allowed. */
  deadThough: number;
  /** Ended as refused or dead although they had been done: whoever did it was killed before it could say so. */
  doneUnheard: number;
  revoked: number;
  kills: number;
  /** New configurations that gateways took while they worked. */
  reloads: number;
}

/** What came out. */
export interface Verdict {
  readonly findings: readonly Finding[];
  readonly counts: Readonly<Counts>;
  /** Orders, by their kind and by what became of them. */
  readonly ends: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Most of the good orders that may end as dead letters, or end as something else after they were done. */
const MOST_UNLUCKY = 0.01;
/** In a short run that few are not held against it. */
const UNLUCKY_ANYWAY = 10;

/** Reads all lines, of both sides in any order, then judges. */
export class Checker {
  readonly #promises: Promises;
  readonly #stories = new Map<string, Story>();
  readonly #early: Exclude<ClientLine, { readonly name: string }>[] = [];
  readonly #service: ServiceLine[] = [];
  readonly #misled: Finding[] = [];
  #kills = 0;
  #reloads = 0;

  constructor(promises: Promises) {
    this.#promises = promises;
  }

  client(line: ClientLine): void {
    if (line.what === 'reloaded') this.#reload(line);
    else if ('name' in line) this.#kills += Number(line.what === 'killed');
    else if (line.what !== 'order') this.#early.push(line);
    else {
      const { order, kind, must, subject, maxAgeMs, tokenEndsAt } = line;
      const empty = { answers: [], receipts: new Map<string, number>(), ends: [], deliveries: [], revokedAt: undefined };
      this.#stories.set(order, { order, kind, must, subject, maxAgeMs, tokenEndsAt, ...empty });
    }
  }

  #reload({ name, status, isGood, detail = '' }: Extract<ClientLine, { readonly what: 'reloaded' }>): void {
    this.#reloads += Number(isGood && status === 200);
    if (status === 0 || status === (isGood ? 200 : 422)) return;
    const text = `${name} answered ${status} to a ${isGood ? 'good' : 'broken'} configuration: ${detail}`;
    this.#misled.push({ rule: 'reload', text });
  }

  service(line: ServiceLine): void {
    this.#service.push(line);
  }

  finish(): Verdict {
    const findings = [...this.#misled, ...this.#assemble()];
    const owners = new Map<string, string>();
    for (const story of this.#stories.values()) {
      for (const [rule, judge] of Object.entries(RULES)) {
        const text = judge(story, this.#promises);
        if (text !== undefined) findings.push({ rule, order: story.order, text });
      }
      for (const id of new Set([...story.receipts.keys(), ...story.deliveries.map((delivery) => delivery.id)])) {
        const other = owners.get(id);
        if (other !== undefined) findings.push({ rule: 'shared id', order: story.order, text: `${id} is also that of ${other}` });
        owners.set(id, story.order);
      }
    }
    const counts = this.#count();
    for (const name of ['deadThough', 'doneUnheard'] as const) {
      if (counts[name] > Math.max(UNLUCKY_ANYWAY, MOST_UNLUCKY * counts.orders))
        findings.push({ rule: 'bad luck', text: `${name}: ${counts[name]} of ${counts.orders}` });
    }
    return { findings, counts, ends: this.#ends() };
  }

  *#assemble(): Generator<Finding> {
    for (const line of this.#early) {
      const story = this.#stories.get(line.order);
      if (story === undefined) yield { rule: 'unknown order', order: line.order, text: 'an answer to what nobody sent' };
      else if (line.what === 'revoked') story.revokedAt = line.at;
      else if (line.what === 'end') story.ends.push(line);
      else if (line.what === 'answer' && line.status === 202 && line.id !== undefined) {
        if (!story.receipts.has(line.id)) story.receipts.set(line.id, line.at);
      } else if (line.what === 'answer') story.answers.push({ at: line.at, status: line.status });
    }
    for (const line of this.#service) {
      const story = this.#stories.get(line.order);
      if (story === undefined) yield { rule: 'unknown order', order: line.order, text: 'delivered, and nobody sent it' };
      else story.deliveries.push(line);
    }
  }

  #ends(): Record<string, Record<string, number>> {
    const ends: Record<string, Record<string, number>> = {};
    for (const { kind, ends: told, answers } of this.#stories.values()) {
      const { state, reason, upstreamStatus } = told.at(-1) ?? { state: 'answered', upstreamStatus: answers.at(-1)?.status };
      const [own, end] = [(ends[kind] ??= {}), `${state} ${reason ?? upstreamStatus ?? ''}`.trim()];
      own[end] = (own[end] ?? 0) + 1;
    }
    return ends;
  }

  #count(): Counts {
    const counts: Counts = { ...NOTHING, kills: this.#kills, reloads: this.#reloads, orders: this.#stories.size };
    for (const { must, answers, receipts, ends, deliveries, revokedAt } of this.#stories.values()) {
      const effects = deliveries.filter(({ isEffect }) => isEffect).length;
      counts.receipts += receipts.size;
      counts.turnedAway += Number(receipts.size === 0 && answers.some(({ status }) => status >= 400));
      counts.unheard += Number(answers.some(({ status }) => status === 0));
      counts.deliveries += deliveries.length;
      counts.effects += effects;
      counts.revoked += Number(revokedAt !== undefined);
      const state = ends.at(-1)?.state;
      if (state === 'done' || state === 'refused' || state === 'dead') counts[state] += 1;
      counts.deadThough += Number(state === 'dead' && must !== 'fail');
      counts.doneUnheard += Number((state === 'dead' || state === 'refused') && effects > 0);
    }
    return counts;
  }
}

const NOTHING: Counts = {
  orders: 0,
  receipts: 0,
  turnedAway: 0,
  unheard: 0,
  deliveries: 0,
  effects: 0,
  done: 0,
  refused: 0,
  dead: 0,
  deadThough: 0,
  doneUnheard: 0,
  revoked: 0,
  kills: 0,
  reloads: 0,
};
