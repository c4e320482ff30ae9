/**
 * Loaded before the gateway, which knows nothing of it: what the gateway itself sees of a turn. What a client sees besides is the
 * other processes' share, its own included.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PerformanceObserver, monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';
import { serve } from '../process/worker.ts';

/** A turn, as the gateway saw it. */
export interface MeterReading {
  /** From a request that was read to its answer that was written, of those that were answered 200. */
  readonly servedP99Ms: number;
  /** Processor time of the serving thread meanwhile, whatever it was for: what they wait for where nobody else wants the core. */
  readonly servedCpuP99Ms: number;
  /** How late a timer of 1 ms was. */
  readonly loopP99Ms: number;
  /** Collections, and how long they took, of each second. */
  readonly collections: number;
  readonly collectedMs: number;
  /** Processor time of the whole process, of each second. */
  readonly cpuMs: number;
  /** Answers, by status. */
  readonly statuses: Readonly<Record<string, number>>;
}

// Kept in the answer itself: a table of those under way would be work for the collections that are measured.
const START: unique symbol = Symbol('when it began');

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse & { [START]?: { readonly atMs: number; readonly cpuMs: number } };
}

const served: number[] = [];
const servedCpu: number[] = [];
const collections: number[] = [];
const statuses = new Map<number, number>();
const loop = monitorEventLoopDelay({ resolution: 1 });
let began = { atMs: performance.now(), cpu: process.cpuUsage() };

// The server is in this thread. Threads of a gateway load this too.
if (isMainThread) {
  subscribe('http.server.request.start', (message) => {
    (message as Exchange).response[START] = { atMs: performance.now(), cpuMs: threadCpuMs() };
  });
  subscribe('http.server.response.finish', (message) => {
    const { response } = message as Exchange;
    statuses.set(response.statusCode, (statuses.get(response.statusCode) ?? 0) + 1);
    if (response.statusCode !== 200) return;
    const { atMs, cpuMs } = response[START]!;
    served.push(performance.now() - atMs);
    servedCpu.push(threadCpuMs() - cpuMs);
  });
  new PerformanceObserver((list) => collections.push(...list.getEntries().map(({ duration }) => duration))).observe({
    entryTypes: ['gc'],
  });
  serve({ begin, forget, read });
  // The program decides when it ends.
  process.channel?.unref();
}

/** What has been served so far was not meant. */
function forget(): void {
  served.length = 0;
  servedCpu.length = 0;
}

function begin(): void {
  forget();
  collections.length = 0;
  statuses.clear();
  loop.enable();
  loop.reset();
  began = { atMs: performance.now(), cpu: process.cpuUsage() };
}

function read(): MeterReading {
  loop.disable();
  const seconds = (performance.now() - began.atMs) / 1000;
  const cpu = process.cpuUsage(began.cpu);
  return {
    servedP99Ms: p99(served),
    servedCpuP99Ms: p99(servedCpu),
    loopP99Ms: loop.percentile(99) / 1e6,
    collections: collections.length / seconds,
    collectedMs: collections.reduce((sum, ms) => sum + ms, 0) / seconds,
    cpuMs: (cpu.user + cpu.system) / 1000 / seconds,
    statuses: Object.fromEntries(statuses),
  };
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function p99(times: readonly number[]): number {
  return times.toSorted((left, right) => left - right)[Math.ceil(0.99 * times.length) - 1] ?? Number.NaN;
}
