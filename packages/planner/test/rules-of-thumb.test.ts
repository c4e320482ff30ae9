import { describe, expect, it } from 'vitest';
import { REFERENCE_CALIBRATION, checkRulesOfThumb } from '../src/index.ts';

describe('the rules of thumb come out of their assumptions', () => {
  const rules = checkRulesOfThumb();

  it.each(rules.map((rule) => [rule.rule, rule] as const))('%s', (_, { expected, computed }) => {
    // The field's name adds 24 octets to 1,000.
    expect(computed[0] / expected[0]).toBeGreaterThan(0.97);
    expect(computed[0] / expected[0]).toBeLessThan(1.03);
    expect(computed[1] / expected[1]).toBeGreaterThan(0.97);
    expect(computed[1] / expected[1]).toBeLessThan(1.03);
  });

  it('measured verification differs, and it is said why', () => {
    const { measured, why } = rules[0]!;
    const { verifyMicros } = REFERENCE_CALIBRATION.algorithms.RS256;
    expect(measured).toBeCloseTo((verifyMicros * 5_000) / 1e4);
    expect(why).toContain(`${verifyMicros} us`);
  });

  it('measured bandwidth differs by the field around the token, and it is said why', () => {
    for (const [index, unit] of [1, 1e2, 0.8].entries()) {
      expect(rules[index + 1]!.measured / unit).toBeCloseTo((1_424 * 5_000) / 1e6, 3);
      expect(rules[index + 1]!.why).toContain('24 octets');
    }
  });
});
