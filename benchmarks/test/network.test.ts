/** The measurement itself: what it counts, and that it notices a second connection. */
import { expect, it } from 'vitest';
import { CONTENDERS, type Contender } from '../src/network/contenders.ts';
import { measureCell } from '../src/network/measure.ts';
import { drawTargets, targetsOf } from '../src/network/report.ts';

const tokens = ['a'.repeat(400), 'b'.repeat(400), 'c'.repeat(400)];
const of = (name: string, tables: Contender['tables']): Contender =>
  CONTENDERS.find((contender) => contender.name === name && contender.tables === tables && contender.carries === 'txn-token')!;

it('counts the token once it is in the table as a single octet', async () => {
  const contender = of('HTTP/2, node:http2', 'sized');
  const without = await measureCell({ contender, tokens: [], callers: 1, requests: 20 });
  const warm = await measureCell({ contender, tokens, callers: 1, requests: 20 });
  expect(warm.perRequest - without.perRequest).toBe(1);
});

it('counts a bearer token in full each time', async () => {
  const contender = CONTENDERS[0]!;
  const without = await measureCell({ contender, tokens: [], callers: 1, requests: 20 });
  const { perRequest } = await measureCell({ contender, tokens, callers: 1, requests: 20 });
  expect(perRequest - without.perRequest).toBe('authorization: Bearer \r\n'.length + 400);
});

it('refuses figures of several connections', async () => {
  const contender = of('HTTP/2, node:http2', 'sized');
  const twice: Contender = {
    ...contender,
    dial(port, traffic) {
      const [one, two] = [contender.dial(port, traffic), contender.dial(port, traffic)];
      return {
        call: async (fields) => void (await Promise.all([one.call(fields), two.call(fields)])),
        close: async () => void (await Promise.all([one.close(), two.close()])),
      };
    },
  };
  await expect(measureCell({ contender: twice, tokens, callers: 3, requests: 3 })).rejects.toThrow('2 connections');
});

it('says when a target is missed', () => {
  const cells = [{ callers: 1000, perRequest: 60, cpuMicros: 1 }];
  const lines = [{ name: 'x', carries: 'txn-token', tables: 'sized', withoutToken: 20, cells }];
  expect(targetsOf(lines)[0]!.octets).toBe(40);
  expect(drawTargets(targetsOf(lines))).toContain('short (at most 30)');
});
