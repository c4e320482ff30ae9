/** Loaded before a program that knows nothing of the benchmark: answers how much processor time its process has used. */
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';
import { serve } from './worker.ts';

// Threads load it too. The time of the process is that of all of them.
if (isMainThread) serve({ cpu: () => process.cpuUsage() });
// The program decides when it ends.
process.channel?.unref();
