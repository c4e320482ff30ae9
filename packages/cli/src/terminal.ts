/** The machine as a command sees it, so that tests can stand in for it. */
import { type HeldSignals, holdSignals } from './early-signals.ts';

/** Input, output and signals of one run. */
export interface Terminal {
  /** Standard input; read only by commands that say so. */
  readonly stdin: AsyncIterable<Uint8Array | string> & { readonly isTTY?: boolean };
  /** Results. */
  out(text: string): void;
  /** Everything else. */
  err(text: string): void;
  /** Whether somebody watches the error stream: lines there may be redrawn. Default: nobody. */
  readonly errIsTTY?: boolean;
  /** Calls back on each SIGINT and SIGTERM. */
  onStopSignal(listener: () => void): void;
  /** Calls back on each SIGHUP. */
  onReloadSignal(listener: () => void): void;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** What a run ends with. */
export const EXIT: { readonly ok: 0; readonly refused: 1; readonly usage: 2 } = Object.freeze({
  ok: 0,
  /** The token was refused, nothing was revoked for sure, or the gateway could not start. */
  refused: 1,
  /** Wrong usage or, for `verify`, a wrong configuration: there is no verdict. */
  usage: 2,
});

/** The real thing. */
export function processTerminal(signals: HeldSignals = holdSignals([])): Terminal {
  return {
    get stdin() {
      return process.stdin;
    },
    out: writing(
      () => process.stdout,
      // Who reads no further (`| head`) has seen enough: that is no failure of the command.
      ({ code }) => code === 'EPIPE',
    ),
    err: writing(
      () => process.stderr,
      // Nobody can be told; and a gateway that is to finish its requests must not end because of it.
      () => true,
    ),
    errIsTTY: process.stderr.isTTY === true,
    onStopSignal(listener) {
      signals.on('SIGINT', listener);
      signals.on('SIGTERM', listener);
    },
    onReloadSignal: (listener) => signals.on('SIGHUP', listener),
    exit: (code) => process.exit(code),
  };
}

// The stream is opened with the first text: a gateway logs to standard output without it.
function writing(open: () => NodeJS.WriteStream, isNoFailure: (error: NodeJS.ErrnoException) => boolean): (text: string) => void {
  let stream: NodeJS.WriteStream | undefined;
  return (text) => {
    stream ??= open().on('error', (error) => {
      if (!isNoFailure(error)) throw error;
    });
    stream.write(text);
  };
}
