import { describe, expect, it } from 'vitest';
import { conclude } from '../suite/vitest.mjs';

const file = (status: string, ...assertions: [string, string][]): object => ({
  name: '/repo/some.test.ts',
  status,
  assertionResults: assertions.map(([fullName, result]) => ({ fullName, status: result })),
});
const statusesOf = (exitCode: number, ...testResults: object[]): string[] =>
  conclude(exitCode, { testResults }).outcomes.map((outcome: { status: string }) => outcome.status);

describe('counting counts as failed', () => {
  it('a file that could not be loaded', () => {
    expect(statusesOf(1, file('failed'), file('passed', ['a', 'passed']))).toEqual(['failed', 'passed']);
  });

  it('a run without any test, whatever vitest says', () => {
    expect(conclude(0, undefined)).toEqual({ exitCode: 1, outcomes: [{ name: 'vitest ran no test', status: 'failed' }] });
    expect(conclude(0, { testResults: [file('passed', ['a', 'skipped'])] }).exitCode).toBe(1);
  });

  it('an error outside of any test', () => {
    const { exitCode, outcomes } = conclude(1, { testResults: [file('passed', ['a', 'passed'])] });
    expect([exitCode, outcomes.at(-1)]).toEqual([1, { name: 'vitest itself (exit code 1)', status: 'failed' }]);
  });
});

describe('counting', () => {
  it('keeps passed, failed and skipped apart, and keeps the exit status', () => {
    const { exitCode, outcomes } = conclude(1, {
      testResults: [file('failed', ['a', 'passed'], ['b', 'failed'], ['c', 'pending'], ['d', 'todo'])],
    });
    expect([exitCode, outcomes.map((outcome: { status: string }) => outcome.status)]).toEqual([
      1,
      ['passed', 'failed', 'skipped', 'skipped'],
    ]);
  });

  it('names the file and the test', () => {
    expect(conclude(0, { testResults: [file('passed', ['group test', 'passed'])] }).outcomes[0]!.name).toMatch(
      /some\.test\.ts > group test$/,
    );
  });
});
