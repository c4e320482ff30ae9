/** What must not be put aside although it was good when its fields came. */
import { randomBytes } from 'node:crypto';
import { createReceipts } from '@watchword/deferred';
import { expect, test } from 'vitest';
import { type DoorOptions, createDoor } from '../../src/deferred/door.ts';
import type { ClientCall } from '../../src/front/client-call.ts';
import { inspectHeaders } from '../../src/headers/request-headers.ts';

const NOW = 1_800_000_000_000;

async function acceptAfter(bodyMs: number): Promise<string[]> {
  let nowMs = NOW;
  const stored: string[] = [];
  const door = createDoor({
    queue: {
      accept: async ({ id }: { id: string }) => {
        stored.push(id);
        return { kind: 'accepted', id };
      },
    },
    receipts: createReceipts({ keys: [randomBytes(32)] }),
    screen: () => ({
      issuer: 'i',
      subject: 's',
      window: { notBeforeMs: 0, expiresAtMs: NOW + 1000, endsBy: 'token_expired' },
    }),
    clock: () => nowMs,
    bodyBytes: 100,
    statusPath: '/status',
  } as unknown as DoorOptions);
  const call = {
    method: 'POST',
    target: '/later',
    gone: true,
    async *openBody() {
      yield Buffer.from('order');
      nowMs += bodyMs;
      yield Buffer.from(' 7');
    },
  } as unknown as ClientCall;
  const decision = { route: { path: '/later', deferredForMs: 60_000 }, canonicalPath: '/later' };
  await door.accept(call, inspectHeaders(['host', 'h', 'authorization', 'Bearer a.b.c']), decision as never, '127.0.0.1');
  return stored;
}

test('a token that expires while the body comes', async () => {
  await expect(acceptAfter(1000)).rejects.toMatchObject({ code: 'token_expired' });
  expect(await acceptAfter(999)).toHaveLength(1);
});
