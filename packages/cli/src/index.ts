/** The `watchword` command as a function. */
export { run } from './run.ts';
export { EXIT, type Terminal, processTerminal } from './terminal.ts';
export { type Accepted, type Refused, type UnverifiedFacts, type Verdict, judge } from './verdict.ts';
