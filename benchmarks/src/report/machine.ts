/** Where the numbers come from. */
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import process from 'node:process';
import { canPin } from '../process/cores.ts';

/** The machine and its Node. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly openssl: string;
  /** Whether the processes were bound to cores. */
  readonly pinned: boolean;
}

/** Looks at this machine. */
export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()} ${process.arch}`,
    node: process.version,
    openssl: process.versions.openssl,
    pinned: canPin(),
  };
}

/** One line for people. */
export function machineLine(machine: Machine): string {
  const pinning = machine.pinned ? 'processes bound to cores' : 'processes not bound to cores';
  return `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}, OpenSSL ${machine.openssl}, ${pinning}`;
}
