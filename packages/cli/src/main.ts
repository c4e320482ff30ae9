/** Entry point of the `watchword` command. */
import { keepYoungObjectsYoung } from './collections.ts';
import { holdSignals } from './early-signals.ts';

keepYoungObjectsYoung();
const args = process.argv.slice(2);
// Before everything else is loaded, which takes some tenths of a second.
const signals = holdSignals(args);
const { runProcess } = await import('./run-process.ts');
await runProcess(args, signals);
