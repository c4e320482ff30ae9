/** JSON log lines. What goes in is chosen field by field: never a token, a key, a claim value, a path or a query (invariant 5). */
import { type WatchwordError } from '@watchword/core';
import { type Logger as PinoLogger, destination, pino } from 'pino';
import type { GatewayConfig } from './config/config.ts';
import type { Route } from './routing/route.ts';

/** The part of a pino logger that the gateway uses. */
export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error' | 'isLevelEnabled'>;

/** A logger that writes to standard output. */
export function createLogger(level: GatewayConfig['log']['level']): Logger {
  return pino(
    { level, base: { name: 'watchword-gateway' }, timestamp: () => `,"time":"${new Date().toISOString()}"` },
    destination({ fd: 1, sync: false }),
  );
}

/** Logs why a request was refused: by which rule, for operators only (ER-6). */
export function logRefusal(logger: Logger, error: WatchwordError, route: Route | undefined, method: string): void {
  const { facts, code } = error;
  if (facts.http < 500 && !logger.isLevelEnabled('info')) return;
  const fields = {
    code,
    rule: facts.rule,
    status: facts.http,
    route: route?.path,
    method: KNOWN_METHODS.has(method) ? method : 'other',
  };
  if (facts.http < 500) logger.info({ ...fields, reason: error.message }, 'refused');
  else if (code === 'internal') logger.error({ ...fields, cause: describeCause(error.cause) }, 'failed');
  else logger.warn({ ...fields, reason: error.message }, 'failed');
}

const KNOWN_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

// The message of an error that nobody foresaw could quote anything, so only its kind and its place are kept (E12).
function describeCause(cause: unknown): object | undefined {
  if (!(cause instanceof Error)) return undefined;
  const frames = (cause.stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
  return { name: cause.name, code: (cause as NodeJS.ErrnoException).code, stack: frames.slice(0, 10).map((line) => line.trim()) };
}
