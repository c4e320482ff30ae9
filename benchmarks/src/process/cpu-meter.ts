/** Loaded before a program that knows nothing of the benchmark: answers how much processor time its process has used. */
import process from 'node:process';
import { serve } from './worker.ts';

serve({ cpu: () => process.cpuUsage() });
// The program decides when it ends.
process.channel?.unref();
