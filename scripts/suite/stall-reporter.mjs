/**
 * A reporter of vitest for runs that would never end. A worker that is stuck in a synchronous call knows no time limit; and vitest waits
 * at the end for whatever holds the output of a worker, such as a server that a test left running. Says which, and ends them.
 */
import { relative } from 'node:path';
import process from 'node:process';
import { ROOT } from '../setup/paths.mjs';
import { RUN, endProcesses, processesWith } from './processes.mjs';

/** Longer than any test takes on a slow machine; the campaigns of a long run take up to two hours each. */
const SILENCE_MS = process.env.WATCHWORD_LONG === '1' ? 10_800_000 : 600_000;
/** Workers have as long to end when all tests have. */
const END_MS = 30_000;

// oxlint-disable-next-line import/no-default-export -- vitest loads a reporter by its file
export default class StallReporter {
  #running = new Map();
  #left = 0;
  #timer = undefined;
  #silenceMs = Number(process.env.WATCHWORD_TEST_SILENCE_MS ?? SILENCE_MS);

  onTestRunStart(specifications) {
    this.#left = specifications.length;
    this.#listen();
  }

  onTestModuleStart(module) {
    this.#running.set(module.moduleId, '');
    this.#listen();
  }

  onTestCaseReady(test) {
    this.#running.set(test.module.moduleId, ` > ${test.fullName}`);
    this.#listen();
  }

  onTestCaseResult() {
    this.#listen();
  }

  onTestModuleEnd(module) {
    this.#running.delete(module.moduleId);
    this.#left -= 1;
    this.#listen();
  }

  // Not the end: what a test left running keeps vitest from ending after it.
  onTestRunEnd() {
    this.#left = 0;
    this.#listen();
  }

  #listen() {
    clearTimeout(this.#timer);
    const ms = this.#left > 0 ? this.#silenceMs : Math.min(END_MS, this.#silenceMs);
    this.#timer = setTimeout(() => this.#end(ms), ms);
    this.#timer.unref();
  }

  #end(ms) {
    // This process has the variable, too.
    const processes = processesWith(`${RUN}=${process.env[RUN]}`).filter(({ pid }) => pid !== process.pid);
    const running = [...this.#running].map(([file, test]) => `${relative(ROOT, file)}${test}`);
    console.error(`\nNothing was heard of the tests for ${Math.round(ms / 1000)} s. ${this.#left} files have not ended.`);
    for (const name of running) console.error(`  running: ${name}`);
    for (const { pid, command } of processes) console.error(`  ended by force: ${pid} ${command}`);
    endProcesses(processes);
    // Where that was not it, nothing else would end this process.
    this.#timer = setTimeout(() => process.exit(1), END_MS);
    this.#timer.unref();
  }
}
