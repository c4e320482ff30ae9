/** The parent's side of a process that attacks: on its own, so that its work does not slow the measuring down. */
import { type ChildProcess, fork } from 'node:child_process';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Least of all: where there are fewer cores than processes, the victims are served first. It is not that scarcity that is measured. */
const LEAST = 19;

/** Starts one. It ends with the test. */
export function startAttacker<Order, Report>(script: string, niceness: number = LEAST): { ask(order: Order): Promise<Report> } {
  const child: ChildProcess = fork(join(import.meta.dirname, script), { execArgv: [] });
  onTestFinished(() => void child.kill('SIGKILL'));
  setPriority(child.pid!, niceness);
  return {
    ask(order) {
      child.send(order as object);
      return new Promise((resolve, reject) => {
        const onExit = (code: number | null): void => reject(new Error(`${script} ended with ${code}`));
        child.once('exit', onExit);
        child.once('message', (report) => {
          child.off('exit', onExit);
          resolve(report as Report);
        });
      });
    },
  };
}
