/** The command line of the mesh. */
import { parseArgs } from 'node:util';

/** What the user asked for. */
export interface Options {
  readonly once: boolean;
  readonly quick: boolean;
  readonly help: boolean;
  /** File for the figures. */
  readonly json?: string;
  readonly algorithm: 'RS256' | 'ES256';
}

/** Shown by --help. */
export const HELP = `npm start [-- options]

Starts an identity provider, the gateway and four services on loopback, measures four ways to know the caller in every
service, prints what each costs, and stays up for you to try, with a dashboard.

  --once         exit after the tables
  --json FILE    write all figures to FILE
  --alg NAME     signature algorithm of the identity provider: RS256 (default) or ES256
  --quick        few users and short measurements: shows that everything works, not how fast it is
  --help         this text

Ctrl-C ends every process that was started.`;

/** Reads the arguments. @throws Error saying which one is wrong */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      once: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false, short: 'h' },
      json: { type: 'string' },
      alg: { type: 'string', default: 'RS256' },
    },
  });
  const { once, quick, help, json, alg } = values;
  if (alg !== 'RS256' && alg !== 'ES256') throw new Error(`--alg: ${alg} is neither RS256 nor ES256`);
  return { once, quick, help, algorithm: alg, ...(json === undefined ? {} : { json }) };
}
