import { growthTable } from '@watchword/planner';
import { describe, expect, it } from 'vitest';
import type { Result } from '../../src/measure/measure.ts';
import { growthTableText, strategyTable } from '../../src/report/tables.ts';

const result: Result = {
  id: 'verify-once',
  title: 'verified once',
  signatureChecksPerRequest: 0.0133,
  verificationMicrosPerRequest: 38.44,
  verificationMicrosByProcess: {},
  tokenBytesPerHop: 404,
  internalHops: 4,
  requestsPerSecond: 2151.6,
  p50Ms: 6.54,
  p99Ms: 23.1,
  requests: 1,
  errors: 0,
};

const cells = (table: string, start: string): string[] =>
  table
    .split('\n')
    .find((line) => line.includes(start))!
    .split('│')
    .map((cell) => cell.trim())
    .filter((cell) => cell !== '');

describe('strategyTable', () => {
  it('has the figures of a strategy in one row', () => {
    expect(cells(strategyTable([result]), 'verified once')).toEqual([
      'verified once',
      '0.01',
      '38.4',
      '404',
      '2152',
      '6.5',
      '23.1',
    ]);
  });
});

describe('growthTableText', () => {
  const costs = {
    verificationMicros: 700,
    edgeTokenBytes: 1_400,
    internalTokenBytes: 1_400,
    internalHops: 4,
    observedRequestsPerSecond: 900,
  };
  const table = growthTableText(
    growthTable({ without: costs, with: { ...costs, verificationMicros: 35, internalTokenBytes: 400 } }),
  );

  it('leaves what was measured unmarked', () => {
    expect(cells(table, ' 100 ')).toEqual(['100', '50', '0.035', '0.0018', '0.07 MB/s', '0.02 MB/s', '0.35 MB/s', '0.15 MB/s']);
  });

  it('marks what is extrapolated', () => {
    expect(cells(table, ' 1,000,000 ')).toEqual([
      '1,000,000',
      '500,000',
      '~350',
      '~18',
      '~700 MB/s',
      '~200 MB/s',
      '~3,500 MB/s',
      '~1,500 MB/s',
    ]);
  });
});
