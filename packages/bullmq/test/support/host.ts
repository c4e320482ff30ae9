/** The suite's queues and workers on BullMQ. */
import type { MessagingSetup, RunningMessaging, SuiteDeadLetter } from '@watchword/conformance';
import { type Job, Queue, Worker } from 'bullmq';
import { guardJobs, propagate } from '../../src/index.ts';

interface Data {
  readonly body: string;
}

export async function startHost(port: number, { guard, propagator, topics, handler }: MessagingSetup): Promise<RunningMessaging> {
  const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
  const queues = new Map(topics.map((topic) => [topic, new Queue<Data, void>(topic, { connection })]));
  const senders = new Map([...queues].map(([topic, queue]) => [topic, propagate(queue, propagator)]));
  const process = guardJobs<Data, void>(guard, (job) =>
    handler({
      topic: job.queueName,
      body: job.data.body,
      headers: Object.keys((job.opts as { headers?: object }).headers ?? {}),
    }),
  );
  const workers = topics.map((topic) => new Worker<Data, void>(topic, process, { connection, concurrency: 20, drainDelay: 1 }));
  const letters: SuiteDeadLetter[] = [];
  for (const worker of workers) {
    worker.on('error', () => undefined);
    worker.on('failed', (job) => {
      if (job !== undefined && job.finishedOn !== undefined) letters.push(toLetter(job));
    });
  }
  await Promise.all(workers.map((worker) => worker.waitUntilReady()));
  const attempts = { attempts: 5, backoff: { type: 'fixed', delay: 10 } };
  return {
    async send(topic, body, headers = {}) {
      await senders.get(topic)!.add('suite', { body }, { ...attempts, ...({ headers } as object) });
    },
    async sendRaw(topic, body, headers) {
      const record: Record<string, unknown> = {};
      for (const [name, value] of headers) {
        const text = typeof value === 'string' ? value : Buffer.from(value).toString('latin1');
        record[name] = record[name] === undefined ? text : [record[name], text].flat();
      }
      await queues.get(topic)!.add('suite', { body }, { ...attempts, ...({ headers: record } as object) });
    },
    async deadLetters(count) {
      for (const end = Date.now() + 10_000; letters.length < count && Date.now() < end;) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return letters.splice(0);
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
      await Promise.all([...queues.values()].map((queue) => queue.close()));
    },
  };
}

// What a worker shows of a failed job; BullMQ keeps the job itself as it was added.
function toLetter(job: Job<Data>): SuiteDeadLetter {
  const { opts, failedReason, stacktrace } = job;
  return { body: job.data.body, reason: failedReason, kept: JSON.stringify([opts, failedReason, stacktrace]) };
}
