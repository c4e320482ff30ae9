/** One clear line for everything that went wrong. */
import { ConfigError } from '@watchword/gateway';

/** What to print: for a configuration one line per reason, otherwise one line, with the stack only where it was asked for. */
export function describeFailure(error: unknown): string {
  if (error instanceof ConfigError) return `${error.message}\n`;
  const debug = process.env.WATCHWORD_DEBUG === '1';
  if (debug && error instanceof Error && error.stack !== undefined) return `${error.stack}\n`;
  const message = error instanceof Error ? error.message : String(error);
  return `watchword: ${message.split('\n', 1)[0]} (WATCHWORD_DEBUG=1 shows more)\n`;
}
