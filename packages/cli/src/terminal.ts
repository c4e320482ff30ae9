/** The machine as a command sees it, so that tests can stand in for it. */

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
export function processTerminal(): Terminal {
  return {
    stdin: process.stdin,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    errIsTTY: process.stderr.isTTY === true,
    onStopSignal(listener) {
      process.on('SIGINT', listener);
      process.on('SIGTERM', listener);
    },
    onReloadSignal: (listener) => void process.on('SIGHUP', listener),
    exit: (code) => process.exit(code),
  };
}
