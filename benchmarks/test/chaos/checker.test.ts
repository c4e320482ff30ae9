/** The checker of chaos runs: a history in which all is well, then one fault at a time planted in it. Each must be found, by its rule. */
import { describe, expect, test } from 'vitest';
import { Checker, type Promises, type Verdict } from '../../src/chaos/checker.ts';
import type { ClientLine, ClientNote, Must, ServiceLine } from '../../src/chaos/records.ts';

const PROMISES = { revocationLagMs: 5000, wayMs: 5000, isRefusalCertain: true };

/** Both sides of one history, open to be tampered with. */
class History {
  readonly client: ClientLine[] = [];
  readonly service: ServiceLine[] = [];
  #nowMs = 1_000_000;

  wait(ms: number): this {
    this.#nowMs += ms;
    return this;
  }

  say(note: ClientNote): this {
    this.client.push({ ...note, at: (this.#nowMs += 1) } as ClientLine);
    return this;
  }

  order(order: string, must: Must, more: { readonly maxAgeMs?: number; readonly tokenEndsAt?: number } = {}): this {
    return this.say({ what: 'order', order, kind: must, must, subject: `user of ${order}`, ...more });
  }

  answer(order: string, status: number, id?: string): this {
    return this.say({ what: 'answer', order, status, id });
  }

  deliver(order: string, id: string, status: number, isEffect: boolean, more: Partial<ServiceLine> = {}): this {
    this.#nowMs += 1;
    this.service.push({ at: this.#nowMs, order, id, subject: `user of ${order}`, status, isEffect, ...more });
    return this;
  }

  end(order: string, id: string, state: string, more: { readonly reason?: string; readonly upstreamStatus?: number } = {}): this {
    return this.say({ what: 'end', order, id, state, ...more });
  }

  judge(promises: Promises = PROMISES): Verdict {
    const checker = new Checker(promises);
    for (const line of this.client) checker.client(line);
    for (const line of this.service) checker.service(line);
    return checker.finish();
  }
}

const DONE = { upstreamStatus: 200 } as const;

/** Everything that may happen, and does no harm. */
function lawful(): History {
  return (
    new History()
      .order('good', 'run')
      .answer('good', 202, 'id-good')
      .deliver('good', 'id-good', 200, true)
      .end('good', 'id-good', 'done', DONE)
      // Accepted, the answer lost, sent again; worked on, the worker killed, worked on again.
      .order('unheard', 'run')
      .answer('unheard', 0)
      .say({ what: 'killed', name: 'door-1' })
      .answer('unheard', 503)
      .answer('unheard', 202, 'id-unheard')
      .deliver('unheard', 'id-unheard', 503, false)
      .deliver('unheard', 'id-unheard', 200, true)
      .say({ what: 'killed', name: 'worker-1' })
      .deliver('unheard', 'id-unheard', 200, false)
      .end('unheard', 'id-unheard', 'done', DONE)
      .order('twice', 'run')
      .answer('twice', 202, 'id-twice')
      .answer('twice', 202, 'id-twice')
      .deliver('twice', 'id-twice', 0, true)
      .deliver('twice', 'id-twice', 200, false)
      .end('twice', 'id-twice', 'done', DONE)
      .end('twice', 'id-twice', 'done', DONE)
      .order('lost on the way', 'run')
      .answer('lost on the way', 0)
      .deliver('lost on the way', 'id-nobody-knows', 200, true)
      .order('declined', 'be declined')
      .answer('declined', 202, 'id-declined')
      .deliver('declined', 'id-declined', 409, false)
      .end('declined', 'id-declined', 'done', { upstreamStatus: 409 })
      .order('poison', 'fail')
      .answer('poison', 202, 'id-poison')
      .deliver('poison', 'id-poison', 503, false)
      .end('poison', 'id-poison', 'dead', { reason: 'upstream_unavailable' })
      .order('brief', 'fail', { maxAgeMs: 2000 })
      .answer('brief', 202, 'id-brief')
      .end('brief', 'id-brief', 'refused', { reason: 'token_too_old' })
      .order('forged', 'never run')
      .answer('forged', 202, 'id-forged')
      .end('forged', 'id-forged', 'refused', { reason: 'signature_invalid' })
      .order('expired', 'never run')
      .answer('expired', 401)
      .order('conflict', 'be a conflict')
      .answer('conflict', 422)
      .order('revoked', 'run unless revoked')
      .answer('revoked', 202, 'id-revoked')
      .say({ what: 'revoked', order: 'revoked' })
      .end('revoked', 'id-revoked', 'refused', { reason: 'token_revoked' })
      .order('revoked late', 'run unless revoked')
      .answer('revoked late', 202, 'id-late')
      .deliver('revoked late', 'id-late', 200, true)
      .say({ what: 'revoked', order: 'revoked late' })
      .end('revoked late', 'id-late', 'done', DONE)
      .order('sent too late', 'run', { tokenEndsAt: 0 })
      .answer('sent too late', 0)
      .answer('sent too late', 401)
      .order('aged', 'run', { maxAgeMs: 2000 })
      .answer('aged', 202, 'id-aged')
      .deliver('aged', 'id-aged', 200, true)
      .end('aged', 'id-aged', 'done', DONE)
  );
}

test('finds nothing where all is well, and counts it', () => {
  const { findings, counts } = lawful().judge();
  expect(findings).toEqual([]);
  expect(counts).toMatchObject({ orders: 14, receipts: 10, turnedAway: 3, unheard: 3, effects: 6, done: 6, refused: 3, dead: 1 });
  expect(counts).toMatchObject({ revoked: 2, kills: 2, deliveries: 11, doneUnheard: 0, deadThough: 0 });
});

test('503 says that nothing was stored, unless the store is on a network', () => {
  const history = lawful().order('not now', 'run').answer('not now', 503).deliver('not now', 'id-stored', 200, true);
  expect(history.judge().findings).toMatchObject([{ rule: 'without a receipt', order: 'not now' }]);
  expect(history.judge({ ...PROMISES, isRefusalCertain: false }).findings).toEqual([]);
});

describe('finds a planted fault', () => {
  const without = (history: History, side: 'client' | 'service', is: (line: ClientLine | ServiceLine) => boolean): void => {
    const lines: (ClientLine | ServiceLine)[] = history[side];
    const index = lines.findIndex(is);
    expect(index, 'what is to be dropped').toBeGreaterThanOrEqual(0);
    lines.splice(index, 1);
  };
  const isEnd = (order: string) => (line: ClientLine | ServiceLine) =>
    'what' in line && line.what === 'end' && line.order === order;
  const change = (history: History, order: string, changes: Partial<ServiceLine>): void => {
    const index = history.service.findIndex((line) => line.order === order);
    expect(index, 'what is to be changed').toBeGreaterThanOrEqual(0);
    history.service[index] = { ...history.service[index]!, ...changes };
  };
  const reEnd = (history: History, order: string, changes: object): void => {
    const index = history.client.findIndex(isEnd(order));
    history.client[index] = { ...history.client[index]!, ...changes } as ClientLine;
  };

  test.each<[fault: string, rule: string, order: string, plant: (history: History) => void]>([
    ['the end of an order is dropped', 'lost', 'good', (history) => without(history, 'client', isEnd('good'))],
    ['a receipt that is not known any more', 'lost', 'good', (history) => reEnd(history, 'good', { state: 'unknown' })],
    ['a receipt that was not known for a while', 'lost', 'good', (history) => history.end('good', 'id-good', 'unknown')],
    ['a request that never ends', 'lost', 'good', (history) => reEnd(history, 'good', { state: 'accepted' })],
    [
      'its effect is dropped',
      'done for nothing',
      'good',
      (history) => without(history, 'service', (line) => 'order' in line && line.order === 'good'),
    ],
    [
      'done, and the service only ever said it was not there',
      'done for nothing',
      'good',
      (history) => change(history, 'good', { status: 503, isEffect: false }),
    ],
    ['an effect is doubled', 'two effects', 'good', (history) => history.deliver('good', 'id-good', 200, true)],
    ['an effect is doubled under another id', 'two effects', 'good', (history) => history.deliver('good', 'id-other', 200, true)],
    [
      'an order that nobody heard of has two effects',
      'two effects',
      'lost on the way',
      (history) => history.deliver('lost on the way', 'id-other', 200, true),
    ],
    [
      'the effect of another caller',
      'wrong caller',
      'good',
      (history) => change(history, 'good', { subject: 'user of unheard' }),
    ],
    ['the effect of nobody', 'wrong caller', 'good', (history) => change(history, 'good', { subject: undefined })],
    ['the effect of a forged token', 'bad token', 'forged', (history) => history.deliver('forged', 'id-forged', 200, true)],
    [
      'a forged token at the service, without an effect',
      'bad token',
      'forged',
      (history) => history.deliver('forged', 'id-forged', 503, false),
    ],
    [
      'the effect of a token that was turned away',
      'bad token',
      'expired',
      (history) => history.deliver('expired', 'id-expired', 200, true),
    ],
    [
      'a forged token that ends as done',
      'wrong end',
      'forged',
      (history) => reEnd(history, 'forged', { state: 'done', reason: undefined, upstreamStatus: 200 }),
    ],
    [
      'a forged token that ends as a dead letter',
      'wrong end',
      'forged',
      (history) => reEnd(history, 'forged', { state: 'dead' }),
    ],
    ['a refusal without a reason', 'wrong end', 'forged', (history) => reEnd(history, 'forged', { reason: undefined })],
    ['a dead letter without a reason', 'wrong end', 'poison', (history) => reEnd(history, 'poison', { reason: undefined })],
    [
      'a good token that is refused',
      'wrong end',
      'good',
      (history) => reEnd(history, 'good', { state: 'refused', reason: 'signature_invalid' }),
    ],
    [
      'a refusal as revoked of what nobody revoked',
      'wrong end',
      'revoked',
      (history) => without(history, 'client', (line) => 'what' in line && line.what === 'revoked' && line.order === 'revoked'),
    ],
    [
      'a good token that is turned away',
      'turned away',
      'good',
      (history) => {
        without(history, 'client', (line) => 'what' in line && line.what === 'answer' && line.order === 'good');
        without(history, 'client', isEnd('good'));
        without(history, 'service', (line) => 'order' in line && line.order === 'good');
        history.answer('good', 401);
      },
    ],
    ['the second copy of a request is turned away', 'turned away', 'twice', (history) => history.answer('twice', 422)],
    ['a token that has not ended is turned away', 'turned away', 'aged', (history) => history.answer('aged', 401)],
    [
      'an effect long after the revocation',
      'run after its revocation',
      'revoked',
      (history) => history.wait(6000).deliver('revoked', 'id-revoked', 200, true),
    ],
    [
      'an effect long after the latest moment',
      'over age',
      'brief',
      (history) => history.wait(8000).deliver('brief', 'id-brief', 200, true),
    ],
    [
      'an end that changes',
      'ended twice',
      'good',
      (history) => history.end('good', 'id-good', 'dead', { reason: 'upstream_unavailable' }),
    ],
    [
      'a reason that changes',
      'ended twice',
      'forged',
      (history) => history.end('forged', 'id-forged', 'refused', { reason: 'token_expired' }),
    ],
    [
      'two receipts for one idempotency key',
      'two receipts',
      'twice',
      (history) => history.answer('twice', 202, 'id-second').end('twice', 'id-second', 'done', DONE),
    ],
    [
      'a conflict that is accepted',
      'conflict accepted',
      'conflict',
      (history) => history.answer('conflict', 202, 'id-conflict').end('conflict', 'id-conflict', 'dead', { reason: 'internal' }),
    ],
    ['the effect of a conflict', 'bad token', 'conflict', (history) => history.deliver('conflict', 'id-good', 200, true)],
    ['two orders under one receipt', 'shared id', 'unheard', (history) => history.answer('unheard', 202, 'id-good')],
    ['one delivery id for two orders', 'shared id', 'unheard', (history) => history.deliver('unheard', 'id-good', 200, false)],
    [
      'a delivery under an id that nobody has',
      'without a receipt',
      'good',
      (history) => history.deliver('good', 'id-other', 200, false),
    ],
    [
      'a delivery that nobody sent',
      'unknown order',
      'out of nowhere',
      (history) => history.deliver('out of nowhere', 'id-x', 200, true),
    ],
    ['the external token at the service', 'token leaked', 'good', (history) => change(history, 'good', { isLeaking: true })],
    ['an order that was never sent', 'unanswered', 'silent', (history) => history.order('silent', 'run')],
  ])('%s', (_fault, rule, order, plant) => {
    const history = lawful();
    plant(history);
    const { findings } = history.judge();
    expect(findings.map((finding) => [finding.rule, finding.order])).toContainEqual([rule, order]);
    // No innocent is blamed, but for whom it was mixed up with.
    expect(findings.filter((finding) => finding.order !== order && finding.rule !== 'shared id')).toEqual([]);
  });

  test('good requests that end as dead letters in numbers', () => {
    const history = lawful();
    for (let index = 0; index < 11; index += 1) {
      const order = `unlucky-${index}`;
      history.order(order, 'run').answer(order, 202, `id-${order}`).end(order, `id-${order}`, 'dead', { reason: 'internal' });
    }
    expect(history.judge().findings).toEqual([{ rule: 'bad luck', text: 'deadThough: 11 of 25' }]);
  });

  test('requests that were done and end as something else in numbers', () => {
    const history = lawful();
    for (let index = 0; index < 11; index += 1) {
      const order = `unlucky-${index}`;
      history.order(order, 'run unless revoked').answer(order, 202, `id-${order}`).deliver(order, `id-${order}`, 200, true);
      history.say({ what: 'revoked', order }).end(order, `id-${order}`, 'refused', { reason: 'token_revoked' });
    }
    expect(history.judge().findings).toEqual([{ rule: 'bad luck', text: 'doneUnheard: 11 of 25' }]);
  });
});

test('reloads: a good configuration must be taken, a broken one must not; who is down says nothing', () => {
  const reload = (status: number, isGood: boolean): Verdict => {
    const history = lawful();
    history.client.push({ at: 1, what: 'reloaded', name: 'door-1', status, isGood });
    return history.judge();
  };
  expect(reload(200, true)).toMatchObject({ findings: [], counts: { reloads: 1 } });
  expect(reload(422, false)).toMatchObject({ findings: [], counts: { reloads: 0 } });
  for (const isGood of [true, false]) expect(reload(0, isGood).findings).toEqual([]);
  for (const [status, isGood] of [
    [422, true],
    [500, true],
    [200, false],
    [500, false],
  ] as const)
    expect(reload(status, isGood).findings).toMatchObject([{ rule: 'reload' }]);
});
