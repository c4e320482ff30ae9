/** What becomes of a message: handlers take it, or it ends as a dead letter. */
import assert from 'node:assert/strict';
import { type Identity, runWithIdentity } from '@watchword/core';
import type { RawHeader, SuiteDeadLetter } from './contract.ts';
import { type Handled, type MessagingWorld, TOPICS } from './world.ts';

/** Sends a message as somebody. */
export async function sendAs(
  world: MessagingWorld,
  identity: Identity,
  topic: string,
  body: string = world.body(),
): Promise<void> {
  await runWithIdentity(identity, () => world.carrier.send(topic, body));
}

/** Waits for so many that handlers took, and clears what was reported. */
export async function handledOf(world: MessagingWorld, count: number): Promise<Handled[]> {
  const messages: Handled[] = [];
  await world.until(() => messages.push(...world.takeHandled()) >= count, `${count} messages, ${messages.length} came`);
  assert.equal(messages.length, count);
  if (messages.every(({ body }) => (JSON.parse(body) as { failures: number }).failures === 0)) {
    let done = 0;
    const settled = (): boolean => (done += world.takeReports().filter(({ action }) => action === 'done').length) >= count;
    await world.until(settled, `${count} messages to be done`);
  }
  return messages;
}

/** At every turn of its handler it was this one who was there. */
export function assertSeen({ seen }: Handled, subject: string): void {
  for (const [stage, subjects] of Object.entries(seen)) assert.deepEqual(subjects, [subject], stage);
}

/** Such a message is refused, for this reason, and its token is not kept. */
export async function refused(
  world: MessagingWorld,
  headers: readonly RawHeader[],
  reason: string,
  topic: string = TOPICS.orders,
): Promise<void> {
  await world.carrier.sendRaw(topic, world.body(), headers);
  const letter = await refusal(world, reason);
  for (const [name, value] of headers) {
    // Neither whole nor in part; a voucher may stay.
    const parts = name.toLowerCase().startsWith('txn') && !/voucher/i.test(name) ? String(value).split(/[ ,.]+/) : [];
    for (const part of parts.filter((text) => text.length > 16))
      assert.ok(!letter.kept.includes(part), 'a dead letter keeps the token');
  }
}

/** What was sent last is refused: not a handler was entered, and it is where somebody can look at it. */
export async function refusal(world: MessagingWorld, reason: string): Promise<SuiteDeadLetter> {
  const [letter, ...more] = await buried(world, 1);
  assert.deepEqual([letter!.reason, more.length], [reason, 0]);
  assert.deepEqual(world.takeHandled(), []);
  const reports = world.takeReports();
  assert.deepEqual(
    reports.map((report) => [report.action, report.reason]),
    [['dead-letter', reason]],
  );
  return letter!;
}

/** Waits for so many dead letters. */
export async function buried(world: MessagingWorld, count: number): Promise<readonly SuiteDeadLetter[]> {
  const letters = await world.carrier.deadLetters(count);
  assert.ok(letters.length >= count, `${letters.length} dead letters`);
  return letters;
}
