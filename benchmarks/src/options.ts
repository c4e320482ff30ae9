/** The command line of the benchmark. */
import { parseArgs } from 'node:util';

/** A part of the benchmark that runs on its own. */
export type SuiteName = 'verify' | 'gateway';

/** What was asked for. */
export interface Options {
  readonly suites: readonly SuiteName[];
  /** Fewer tokens, algorithms and rounds: shows that everything works, not how fast it is. */
  readonly quick: boolean;
  /** Where the result goes; undefined: the default file. */
  readonly json: string | undefined;
  readonly help: boolean;
}

/** Shown by `--help`. */
export const HELP = `usage: npm run bench [-- options]           everything, about 7 minutes
       npm run bench:verify [-- options]    verification, cached and uncached, next to other libraries
       npm run bench:gateway [-- options]   the gateway's requests per second and core, next to another proxy

  --quick       fewer tokens, algorithms and rounds, at most a minute: whether it works, not how fast it is
  --json FILE   where the result goes, every round included (default: benchmarks/results/latest.local.json)
  --help        this text

Targets that are missed are marked in the tables; they don't make the run fail. Wrong answers of a contender do.`;

const SUITES: readonly SuiteName[] = ['verify', 'gateway'];

/** Reads the arguments. @throws TypeError for what is not an option */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { quick: { type: 'boolean', default: false }, json: { type: 'string' }, help: { type: 'boolean', default: false } },
  });
  return {
    suites: positionals.length === 0 ? SUITES : positionals.map(toSuite),
    quick: values.quick,
    json: values.json,
    help: values.help,
  };
}

function toSuite(name: string): SuiteName {
  const suite = SUITES.find((known) => known === name);
  if (suite === undefined) throw new TypeError(`${name}: is not a benchmark; there are ${SUITES.join(' and ')}`);
  return suite;
}
