/** What must hold for each order, one rule a function: why it is broken, or undefined. */
import type { End, Promises, Story } from './checker.ts';

/** A rule. */
export type Rule = (story: Story, promises: Promises) => string | undefined;

/** By the name that a report gives them. */
export const RULES: Readonly<Record<string, Rule>> = {
  lost: ({ receipts, ends }) =>
    firstOf([...receipts.keys()], (id) => {
      const own = ends.filter((end) => end.id === id);
      const isKnown = own.every(({ state }) => state !== 'unknown');
      return isKnown && own.some(isOver)
        ? undefined
        : `${id} was accepted and is ${own.find((end) => !isOver(end))?.state ?? 'never heard of again'}`;
    }),

  'ended twice': ({ ends }) => {
    const first = new Map<string, string>();
    return firstOf(ends.filter(isOver), ({ id, state, reason, upstreamStatus }) => {
      const text = `${state} ${reason ?? upstreamStatus ?? ''}`;
      const before = first.get(id) ?? text;
      first.set(id, before);
      return before === text ? undefined : `first ${before}, then ${text}`;
    });
  },

  'two receipts': ({ receipts }) => (receipts.size > 1 ? `${receipts.size} receipts for one order` : undefined),

  'two effects': ({ deliveries }) => {
    const effects = deliveries.filter(({ isEffect }) => isEffect).length;
    return effects > 1 ? `${effects} effects` : undefined;
  },

  'done for nothing': ({ ends, deliveries }) =>
    firstOf(ends, ({ id, state, upstreamStatus }) => {
      if (state !== 'done') return undefined;
      const own = deliveries.filter((delivery) => delivery.id === id);
      if (!own.some(({ status }) => status === upstreamStatus))
        return `done with ${upstreamStatus}, which the service never answered`;
      return upstreamStatus! < 300 && !own.some(({ isEffect }) => isEffect)
        ? 'done, and the service knows of no effect'
        : undefined;
    }),

  'bad token': ({ must, deliveries }) =>
    (must === 'never run' || must === 'be a conflict') && deliveries.length > 0 ? 'it got as far as the service' : undefined,

  'wrong caller': ({ subject, deliveries }) =>
    firstOf(deliveries, (delivery) =>
      delivery.subject === subject ? undefined : `run in the name of ${delivery.subject ?? 'nobody'}, not of ${subject}`,
    ),

  'token leaked': ({ deliveries }) =>
    deliveries.some(({ isLeaking }) => isLeaking === true) ? 'the external token went past the edge' : undefined,

  'without a receipt': ({ receipts, answers, deliveries }, { isRefusalCertain }) =>
    answers.some(({ status }) => status === 0 || (status === 503 && !isRefusalCertain))
      ? undefined
      : firstOf(deliveries, ({ id }) => (receipts.has(id) ? undefined : `delivered as ${id}, which nobody was told of`)),

  'run after its revocation': ({ revokedAt, deliveries }, { revocationLagMs }) =>
    firstOf(deliveries, ({ at, isEffect }) =>
      isEffect && at > (revokedAt ?? Infinity) + revocationLagMs ? `${at - revokedAt!} ms after it` : undefined,
    ),

  'over age': ({ receipts, maxAgeMs = Infinity, deliveries }, { wayMs }) =>
    firstOf(deliveries, ({ id, at, isEffect }) => {
      const lastMs = (receipts.get(id) ?? Infinity) + maxAgeMs + wayMs;
      return isEffect && at > lastMs ? `${at - lastMs + wayMs} ms too late` : undefined;
    }),

  'wrong end': ({ must, ends, revokedAt }) =>
    firstOf(ends.filter(isOver), ({ state, reason = '', upstreamStatus = 0 }) => {
      if (state !== 'done' && reason === '') return `${state} without a reason`;
      const told = `${state} ${reason === '' ? upstreamStatus : reason}`;
      if (must === 'never run') return state === 'refused' ? undefined : told;
      if (must === 'fail') return state === 'dead' || reason === 'token_too_old' ? undefined : told;
      if (must === 'be declined') return state === 'dead' || (state === 'done' && upstreamStatus === 409) ? undefined : told;
      if (must === 'run unless revoked' && reason === 'token_revoked') return revokedAt === undefined ? told : undefined;
      return state === 'dead' || (state === 'done' && upstreamStatus === 200) ? undefined : told;
    }),

  'turned away': ({ must, answers, tokenEndsAt = Infinity }) => {
    if (must === 'never run' || must === 'be a conflict') return undefined;
    return firstOf(answers, ({ at, status }) => {
      const isLate = status === 401 && at >= tokenEndsAt;
      return status < 400 || status === 429 || status === 503 || isLate ? undefined : `a good request was answered ${status}`;
    });
  },

  'conflict accepted': ({ must, receipts }) =>
    must === 'be a conflict' && receipts.size > 0 ? 'another request under the same idempotency key was accepted' : undefined,

  // A run that sends nothing proves nothing.
  unanswered: ({ answers, receipts }) => (answers.length === 0 && receipts.size === 0 ? 'it was never sent' : undefined),
};

function isOver({ state }: End): boolean {
  return state === 'done' || state === 'refused' || state === 'dead';
}

function firstOf<Item>(items: readonly Item[], judge: (item: Item) => string | undefined): string | undefined {
  for (const item of items) {
    const text = judge(item);
    if (text !== undefined) return text;
  }
  return undefined;
}
