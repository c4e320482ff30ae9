/** How much a state-space test does: a bounded share in every run, the whole campaign with WATCHWORD_LONG=1. */
import process from 'node:process';
import { randomInt } from 'node:crypto';

/** Whether the long campaigns run. */
export const IS_LONG: boolean = process.env.WATCHWORD_LONG === '1';

/** Steps or cases: few in every run, many in a long one. */
export function amount(usual: number, long: number): number {
  return IS_LONG ? long : usual;
}

/** A new seed for each run, so that runs add up; WATCHWORD_SEED replays one. Failures print it. */
export function freshSeed(): number {
  return Number(process.env.WATCHWORD_SEED ?? randomInt(2 ** 31));
}
