/** The comparison of verifiers, from the question to the answer. */
import type { Target } from '../report/targets.ts';
import { showProgress } from '../report/progress.ts';
import { compare } from './compare.ts';
import { type Plan, verifyPlan } from './plan.ts';
import { drawComparison, verifyTargets } from './report.ts';
import type { ComparisonResult } from './result.ts';

/** What the comparison found. */
export interface VerifyResult {
  readonly question: string;
  readonly workload: string;
  readonly plan: Plan;
  readonly comparisons: readonly ComparisonResult[];
  readonly targets: readonly Target[];
}

const QUESTION = 'How much processor time does it take to verify one access token, with a cache and without?';
const WORKLOAD = `RFC 9068 access tokens of different users, in random order, each as a fresh string, as an HTTP parser makes them.
Everybody checks signature, algorithm, issuer, audience and expiry; Watchword, with its defaults, also the token's type and the claims
that RFC 9068 requires. Before its time is taken each contender has accepted the good tokens, as those of their users, and refused a
forged signature, a forged subject, an expired token, a wrong audience, a wrong issuer and an unsigned token; caches before and after
they were filled. Each contender has its own process; they take turns in rounds. Time: processor time of the process for one
verification, making the string (measured in the same loop, own column) subtracted; median of the rounds. Ratios: median of the ratios
within each round. The bare call gets parsed inputs and checks nothing but the signature. jose, jsonwebtoken and aws-jwt-verify have no
cache: their time is what each request costs.`;

/** Measures, and prints each table as it is done. @throws Error when a contender answers wrongly */
export async function runVerifySuite(quick: boolean, print: (text: string) => void): Promise<VerifyResult> {
  const plan = verifyPlan(quick);
  print(`${QUESTION}\n\n${WORKLOAD}\n`);
  const comparisons: ComparisonResult[] = [];
  for (const comparison of plan.comparisons) {
    const result = await compare(comparison, plan);
    showProgress('');
    print(`${drawComparison(result)}\n`);
    comparisons.push(result);
  }
  return { question: QUESTION, workload: WORKLOAD, plan, comparisons, targets: verifyTargets(comparisons) };
}
