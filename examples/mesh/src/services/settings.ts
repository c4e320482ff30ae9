/** Settings of a service, from its environment. */
import process from 'node:process';

/** Reads one setting. @throws Error naming it when it is missing */
export function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`The environment variable ${name} is missing`);
  return value;
}
