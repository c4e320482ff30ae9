/** The known rules of thumb, from their own assumptions, and where a measured system differs. */
import type { Calibration } from './calibration.ts';
import { plan } from './plan/plan.ts';
import type { SystemCost } from './plan/types.ts';
import { REFERENCE_CALIBRATION } from './reference-calibration.ts';
import { DEFAULT_SCENARIO, type Scenario } from './scenario.ts';

/** One request, one server with one core, one verification with a common library (60 to 100 us), a token of 1 to 2 KB, HTTP/1.1. */
export const RULES_OF_THUMB: Scenario = {
  ...DEFAULT_SCENARIO,
  name: 'rules-of-thumb',
  services: [{ name: 'service', calls: {}, workMicros: 0, instances: 1, threads: 1 }],
  gateway: { instances: 1, threads: 1 },
  token: { ...DEFAULT_SCENARIO.token, bytes: 1_500, algorithm: 'RS256' },
  async: { share: 0, peakFactor: 1 },
  verifyMicros: 80,
};

/** A rule, what the model makes of its assumptions, and what was measured. */
export interface RuleCheck {
  readonly rule: string;
  readonly unit: '%' | 'MB/s' | 'Gbit/s';
  /** What the rule says. */
  readonly expected: readonly [low: number, high: number];
  /** What the model says at the low and the high end of the assumptions. */
  readonly computed: readonly [low: number, high: number];
  /** With the unit costs of the calibration instead. */
  readonly measured: number;
  readonly why: string;
}

/** Checks each rule. @param measuredAlgorithm of the tokens that the calibration is asked about */
export function checkRulesOfThumb(calibration: Calibration = REFERENCE_CALIBRATION): readonly RuleCheck[] {
  const at = (users: number, bytes: number, verifyMicros: number | undefined): SystemCost => {
    const { verifyMicros: _assumed, ...measured } = RULES_OF_THUMB;
    const token = { ...RULES_OF_THUMB.token, bytes };
    const scenario = verifyMicros === undefined ? measured : { ...RULES_OF_THUMB, verifyMicros };
    return plan({ ...scenario, token }, calibration).rows.find((row) => row.users === users)!.without;
  };
  const bothEnds = (users: number, of: (cost: SystemCost) => number): readonly [number, number] => [
    of(at(users, 1_000, 60)),
    of(at(users, 2_000, 100)),
  ];
  const share = ({ verificationCores }: SystemCost): number => verificationCores.value * 100;
  const megabytes = ({ perLink }: SystemCost): number => perLink.megabytesPerSecond;
  const gigabits = ({ perLink }: SystemCost): number => perLink.gigabitsPerSecond;
  const moderate = at(10_000, 1_400, undefined);
  const high = at(1_000_000, 1_400, undefined);
  const { verifyMicros } = calibration.algorithms.RS256;
  const field = `the field's name and scheme add ${calibration.protocols.http1.bearer.fixed} octets to each token; measured: a token of 1,400`;
  return [
    {
      rule: 'verification takes 30-50 % of a core at 5,000 requests/s',
      unit: '%',
      expected: [30, 50],
      computed: bothEnds(10_000, share),
      measured: share(moderate),
      why: `the rule stands for a verification of 60 to 100 us; measured without cache: ${verifyMicros} us for RS256`,
    },
    {
      rule: 'tokens take 5-10 MB/s per link at 5,000 requests/s',
      unit: 'MB/s',
      expected: [5, 10],
      computed: bothEnds(10_000, megabytes),
      measured: megabytes(moderate),
      why: field,
    },
    {
      rule: 'tokens take 500-1,000 MB/s per link at 500,000 requests/s',
      unit: 'MB/s',
      expected: [500, 1_000],
      computed: bothEnds(1_000_000, megabytes),
      measured: megabytes(high),
      why: field,
    },
    {
      rule: 'tokens take 4-8 Gbit/s per link at 500,000 requests/s',
      unit: 'Gbit/s',
      expected: [4, 8],
      computed: bothEnds(1_000_000, gigabits),
      measured: gigabits(high),
      why: field,
    },
  ];
}
