/** Log lines of a thread, on their way to the logger of the main thread. */
import type { Logger } from '../logger.ts';
import type { FromThread, LogLevel, LogLine } from './messages.ts';

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
/** Lines sent in one turn. What is beyond is counted, not kept: a flood of refusals must not become one of messages. */
const MOST_LINES = 1000;

/** The levels that are written. */
export function enabledLevels(logger: Logger): LogLevel[] {
  return LEVELS.filter((level) => logger.isLevelEnabled(level));
}

/** A logger that sends its lines. */
export function createRelayLogger(levels: readonly LogLevel[], send: (message: FromThread) => void): Logger {
  const enabled = new Set<string>(levels);
  let lines: LogLine[] = [];
  let lost = 0;
  const flush = (): void => {
    send({ type: 'log', lines, lost });
    lines = [];
    lost = 0;
  };
  const at =
    (level: LogLevel) =>
    (...said: unknown[]): void => {
      if (!enabled.has(level)) return;
      if (lines.length === 0) setImmediate(flush);
      if (lines.length >= MOST_LINES) lost += 1;
      else lines.push(toLine(level, said));
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    isLevelEnabled: (level) => enabled.has(level),
  };
}

/** Writes the lines of a thread, with its number. */
export function writeRelayed(logger: Logger, thread: number, lines: readonly LogLine[], lost: number): void {
  for (const { level, fields, message } of lines) logger[level]({ ...fields, thread }, message);
  if (lost > 0) logger.warn({ thread, lost }, 'log lines were dropped');
}

// Fields and message, or a message alone, as the gateway logs.
function toLine(level: LogLevel, [first, second]: unknown[]): LogLine {
  if (typeof first === 'string') return { level, fields: {}, message: first };
  return { level, fields: first as object, message: second as string | undefined };
}
