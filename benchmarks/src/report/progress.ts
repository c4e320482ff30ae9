/** One line that says what is going on, on the error stream, which nobody redirects into a report. */
import process from 'node:process';

/** Replaces the line of progress; an empty text removes it. Without a terminal each step is a line of its own. */
export function showProgress(text: string): void {
  const { stderr } = process;
  if (stderr.isTTY) stderr.write(`\r\u001B[2K${text}`);
  else if (text !== '') stderr.write(`${text}\n`);
}
