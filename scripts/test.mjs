/**
 * Everything that must hold, counted: the sources compile, lint and pack cleanly, and every test passes.
 *
 *   npm test [-- <vitest filters and options>]     with filters, the tests alone
 *   npm run test:long                              the long campaigns too (WATCHWORD_LONG=1)
 *
 * The last line is `N passed, N failed`, with `, N skipped` where something was skipped.
 */
import process from 'node:process';
import { runChecks } from './suite/checks.mjs';
import { installDebianPackages } from './suite/debian.mjs';
import { runVitest } from './suite/vitest.mjs';

const args = process.argv.slice(2).filter((argument) => argument !== '--long');
if (process.argv.includes('--long')) process.env.WATCHWORD_LONG = '1';

await installDebianPackages();
const checks = args.length === 0 ? await runChecks() : [];
const tests = await runVitest(args);
const outcomes = [...checks, ...tests.outcomes];

const named = (status) => outcomes.filter((outcome) => outcome.status === status).map((outcome) => outcome.name);
const [passed, failed, skipped] = [named('passed'), named('failed'), named('skipped')];
for (const name of skipped) console.log(`skipped: ${name}`);
for (const name of failed) console.log(`failed: ${name}`);
console.log(`${passed.length} passed, ${failed.length} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`);
process.exitCode = tests.exitCode === 0 && failed.length > 0 ? 1 : tests.exitCode;
