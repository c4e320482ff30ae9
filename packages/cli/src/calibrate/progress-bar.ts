/** A line that says how far something is: redrawn in place on a terminal, a line for each step elsewhere. */
import type { Terminal } from '../terminal.ts';

/** The line. */
export interface ProgressBar {
  readonly show: (share: number, what: string) => void;
  /** Removes it. */
  end(): void;
}

const CELLS = 24;

/** Begins one, on the error stream, which nobody redirects into a file of results. */
export function createProgressBar(terminal: Terminal): ProgressBar {
  let last = '';
  const redraw = terminal.errIsTTY === true;
  return {
    show(share, what) {
      if (redraw) terminal.err(`\r\u001B[2K${barOf(share)} ${percent(share)} ${what}`);
      else if (what !== last) terminal.err(`${percent(share)} ${what}\n`);
      last = what;
    },
    end() {
      if (redraw && last !== '') terminal.err('\r\u001B[2K');
    },
  };
}

function barOf(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * CELLS);
  return `[${'#'.repeat(full)}${'.'.repeat(CELLS - full)}]`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`.padStart(5);
}
