import { describe, expect, it } from 'vitest';
import {
  type Queue,
  erlangC,
  highestRate,
  meanWaitMicros,
  responseQuantileMicros,
  utilizationOf,
} from '../src/model/queueing.ts';
import { createRandom } from '../src/simulation/random.ts';

const MIXED = [
  { share: 0.9, micros: 50 },
  { share: 0.1, micros: 150 },
];

describe('queues', () => {
  it('wait for ever from a utilization of 1 on', () => {
    const queue: Queue = { requestsPerSecond: 20_000, servers: 1, service: MIXED };
    expect(utilizationOf(queue)).toBeCloseTo(1.2);
    expect(meanWaitMicros(queue)).toBe(Number.POSITIVE_INFINITY);
    expect(responseQuantileMicros(queue, 0.99)).toBe(Number.POSITIVE_INFINITY);
  });

  it('know Erlang C', () => {
    expect(erlangC(1, 0.7)).toBeCloseTo(0.7);
    expect(erlangC(2, 1)).toBeCloseTo(1 / 3);
    expect(erlangC(10, 8)).toBeCloseTo(0.4092, 3);
  });

  it('know the mean wait of M/D/1 and M/G/1 (Pollaczek, Khinchine)', () => {
    const queue: Queue = { requestsPerSecond: 8_000, servers: 1, service: [{ share: 1, micros: 100 }] };
    expect(meanWaitMicros(queue)).toBeCloseTo((0.8 * 100) / 2 / 0.2);
  });

  it.each([
    [0.3, 1],
    [0.6, 1],
    [0.85, 1],
    [0.6, 4],
    [0.85, 4],
  ])(
    'agree with a simulation at utilization %d on %d servers: mean within 10 %%, p50 and p99 within 15 %%',
    (utilization, servers) => {
      const queue: Queue = { requestsPerSecond: (utilization * servers * 1e6) / 60, servers, service: MIXED };
      const { meanWait, quantile } = simulateQueue(queue, 600_000);
      if (meanWait > 2) expect(meanWaitMicros(queue) / meanWait).toBeCloseTo(1, servers === 1 ? 1 : 0.7);
      for (const share of [0.5, 0.99])
        expect(Math.abs(responseQuantileMicros(queue, share) / quantile(share) - 1)).toBeLessThan(0.15);
    },
  );

  it('take longer the fuller they are, and know how full they may get', () => {
    const p99s = [0.1, 0.5, 0.8, 0.95].map((utilization) =>
      responseQuantileMicros({ requestsPerSecond: (utilization * 1e6) / 60, servers: 1, service: MIXED }, 0.99),
    );
    expect(p99s).toEqual(p99s.toSorted((one, other) => one - other));
    const rate = highestRate({ servers: 1, service: MIXED }, 0.99, 500);
    expect(responseQuantileMicros({ requestsPerSecond: rate, servers: 1, service: MIXED }, 0.99)).toBeCloseTo(500, 1);
    expect(highestRate({ servers: 1, service: MIXED }, 0.99, 10)).toBeCloseTo(0);
  });
});

function simulateQueue({ requestsPerSecond, servers, service }: Queue, requests: number) {
  const random = createRandom(7);
  const freeAt = Array.from({ length: servers }, () => 0);
  const responses = new Float64Array(requests);
  let [now, waited] = [0, 0];
  for (let request = 0; request < requests; request += 1) {
    now += (random.exponential() * 1e6) / requestsPerSecond;
    const server = freeAt.indexOf(Math.min(...freeAt));
    const start = Math.max(now, freeAt[server]!);
    const micros = random.uniform() < service[0]!.share ? service[0]!.micros : service[1]!.micros;
    freeAt[server] = start + micros;
    waited += start - now;
    responses[request] = start + micros - now;
  }
  responses.sort();
  return { meanWait: waited / requests, quantile: (share: number) => responses[Math.floor(share * requests)]! };
}
