/** How long requests wait: not only on average. M/G/k in the approximations of Lee and Longton, and of exponential tails. */

/** One kind of work: a share of the requests that takes so long. */
export interface ServicePhase {
  readonly share: number;
  readonly micros: number;
}

/** A queue in front of servers of one kind. */
export interface Queue {
  readonly requestsPerSecond: number;
  readonly servers: number;
  /** What requests take, each of a fixed length. Shares add up to 1. */
  readonly service: readonly ServicePhase[];
}

/** Busy share of each server; from 1 on the queue grows without end. */
export function utilizationOf({ requestsPerSecond, servers, service }: Queue): number {
  return (requestsPerSecond * meanMicros(service)) / 1e6 / servers;
}

/** Erlang's C: the probability that a request has to wait in M/M/k. @param load in servers: arrivals times service time */
export function erlangC(servers: number, load: number): number {
  if (load >= servers) return 1;
  let blocking = 1;
  for (let busy = 1; busy <= servers; busy += 1) blocking = (load * blocking) / (busy + load * blocking);
  return blocking / (1 - (load / servers) * (1 - blocking));
}

/** The mean time in the queue, in microseconds; Infinity from a utilization of 1 on. For one server it is exact (Pollaczek, Khinchine). */
export function meanWaitMicros(queue: Queue): number {
  const { servers, service } = queue;
  const utilization = utilizationOf(queue);
  if (utilization >= 1) return Number.POSITIVE_INFINITY;
  const mean = meanMicros(service);
  const likeExponential = (erlangC(servers, utilization * servers) * mean) / (servers * (1 - utilization));
  return likeExponential * ((1 + squaredVariation(service)) / 2);
}

/**
 * The time that a share of requests stays below, waiting and service together, in microseconds: waits are nothing, or exponential
 * with the mean that {@link meanWaitMicros} asks for.
 * @param share 0.5 for the median, 0.99 for p99
 */
export function responseQuantileMicros(queue: Queue, share: number): number {
  if (utilizationOf(queue) >= 1) return Number.POSITIVE_INFINITY;
  const { below, mostMicros } = responses(queue);
  return bisect(below, share, mostMicros);
}

/** The highest rate at which `share` of the requests stays below `micros`; 0 when even an idle system is too slow. */
export function highestRate(queue: Omit<Queue, 'requestsPerSecond'>, share: number, micros: number): number {
  let [low, high] = [0, (queue.servers * 1e6) / meanMicros(queue.service)];
  for (let step = 0; step < 50; step += 1) {
    const requestsPerSecond = (low + high) / 2;
    if (responses({ ...queue, requestsPerSecond }).below(micros) >= share) low = requestsPerSecond;
    else high = requestsPerSecond;
  }
  return low;
}

/** The share of responses that take less than so long, and a time that hardly any exceeds. Utilization must be below 1. */
function responses(queue: Queue): { readonly below: (micros: number) => number; readonly mostMicros: number } {
  const { servers, service } = queue;
  const waiting = erlangC(servers, utilizationOf(queue) * servers);
  const waitOfThose = waiting === 0 ? 0 : meanWaitMicros(queue) / waiting;
  const below = (micros: number): number =>
    service.reduce((sum, phase) => {
      const left = micros - phase.micros;
      if (left < 0) return sum;
      return sum + phase.share * (waitOfThose === 0 ? 1 : 1 - waiting * Math.exp(-left / waitOfThose));
    }, 0);
  return { below, mostMicros: longestMicros(service) + waitOfThose * 50 };
}

function meanMicros(service: readonly ServicePhase[]): number {
  return service.reduce((sum, { share, micros }) => sum + share * micros, 0);
}

function longestMicros(service: readonly ServicePhase[]): number {
  return service.reduce((most, { micros }) => Math.max(most, micros), 0);
}

function squaredVariation(service: readonly ServicePhase[]): number {
  const mean = meanMicros(service);
  const square = service.reduce((sum, { share, micros }) => sum + share * micros * micros, 0);
  return mean === 0 ? 0 : square / (mean * mean) - 1;
}

function bisect(rising: (at: number) => number, wanted: number, most: number): number {
  let [low, high] = [0, most];
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (rising(middle) < wanted) low = middle;
    else high = middle;
  }
  return high;
}
