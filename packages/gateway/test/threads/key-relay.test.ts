/** The keys of an issuer in a thread that serves: what it refuses without asking the main thread, and when it asks (S14). */
import { expect, test } from 'vitest';
import { generateSigningKey } from '@watchword/core';
import type { KeySource, QuietTime } from '@watchword/core';
import { KeyRelay } from '../../src/threads/key-relay.ts';
import type { FromThread, RelayedError, RelayedKey } from '../../src/threads/messages.ts';

const QUIET: QuietTime = { kids: ['known'], forMs: 1000 };
const UNKNOWN: RelayedError = { code: 'key_unknown', message: 'unknown', quiet: QUIET };

class World {
  nowMs = 0;
  readonly #sent: FromThread[] = [];
  readonly #relay = new KeyRelay(
    (message) => this.#sent.push(message),
    () => this.nowMs,
  );
  readonly keys: KeySource = this.#relay.source('https://issuer.example', { slot: 1, id: 'id' });

  /** What the main thread says to the next question. */
  async ask(kid: string, answer: RelayedKey | RelayedError, takesMs = 0): Promise<string> {
    const loading = this.keys.load('ES256', kid).then(
      () => 'a key',
      (error: { code: string }) => error.code,
    );
    this.nowMs += takesMs;
    const question = this.#sent.pop() as FromThread & { request: number };
    this.#relay.take({ type: 'key', request: question.request, answer });
    return loading;
  }

  refusal(kid: string | undefined): string | undefined {
    return this.keys.refusal!('ES256', kid)?.code;
  }

  forget(): void {
    this.#relay.retain(new Set());
  }
}

test('unknown key ids are refused at once for as long as the main thread has said, but no others', async () => {
  const world = new World();
  expect(world.refusal('first')).toBeUndefined();
  expect(await world.ask('first', UNKNOWN)).toBe('key_unknown');
  expect([world.refusal('first'), world.refusal('second'), world.refusal('__proto__')]).toEqual(Array(3).fill('key_unknown'));
  // The main thread has a key for these, or would have to look.
  expect([world.refusal('known'), world.refusal(undefined)]).toEqual([undefined, undefined]);
  world.nowMs = 999;
  expect(world.refusal('second')).toBe('key_unknown');
  world.nowMs = 1000;
  expect(world.refusal('second')).toBeUndefined();
});

test('the time counts from the question', async () => {
  const world = new World();
  await world.ask('first', UNKNOWN, 1000);
  expect(world.refusal('second')).toBeUndefined();
});

test.each([
  ['keys that can not be had', { code: 'keys_unavailable', message: 'no keys' }],
  ['an issuer that would be asked', { code: 'key_unknown', message: 'unknown' }],
] as const)('%s: every key id is asked for, whatever was said before', async (_, answer) => {
  const world = new World();
  await world.ask('first', UNKNOWN);
  expect(await world.ask('known', answer)).toBe(answer.code);
  expect(world.refusal('second')).toBeUndefined();
});

test('a key that is found ends nothing: the others are unknown as before', async () => {
  const world = new World();
  const jwk = generateSigningKey('ES256', 'known').publicJwk();
  await world.ask('first', UNKNOWN);
  expect(await world.ask('known', { id: 'id', alg: 'ES256', kid: 'known', jwk })).toBe('a key');
  expect([world.refusal('second'), world.refusal('known')]).toEqual(['key_unknown', undefined]);
});

test('nothing is refused at once when the main thread has been silent for long, or after a change of the configuration', async () => {
  const world = new World();
  await world.ask('first', { ...UNKNOWN, quiet: { kids: [], forMs: 60_000 } });
  world.nowMs = 14_999;
  expect(world.refusal('second')).toBe('key_unknown');
  world.nowMs = 15_000;
  expect(world.refusal('second')).toBeUndefined();
  world.nowMs = 0;
  world.forget();
  expect(world.refusal('second')).toBeUndefined();
});
