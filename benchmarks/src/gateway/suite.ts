/** The comparison of proxies, from the question to the answer. */
import { showProgress } from '../report/progress.ts';
import type { Target } from '../report/targets.ts';
import { ReceivedTokens } from '../tokens/token-file.ts';
import { checkProxies } from './check-proxy.ts';
import { playRounds } from './measure.ts';
import { type EdgeAlgorithm, type GatewayPlan, gatewayPlan } from './plan.ts';
import { type EdgeResult, drawEdge, gatewayTargets } from './report.ts';
import { withStage } from './stage.ts';

/** What the comparison found. */
export interface GatewayResult {
  readonly question: string;
  readonly workload: string;
  readonly plan: GatewayPlan;
  readonly results: readonly EdgeResult[];
  readonly targets: readonly Target[];
}

const QUESTION = 'How many requests per second does one core of a proxy handle that verifies an access token on each of them?';
const WORKLOAD = `GET requests with the access tokens of different users over connections that stay open, one request at a time on each;
caches warm. All proxies stand in front of the same node:http server. Before the time is taken, every user has come through every proxy
and the upstream has seen who is calling; forged, expired, wrongly addressed and missing tokens were answered 401. Every answer that is
counted was 200 and came from the upstream. The proxy whose turn it is has one core to itself, the load and the upstream share another;
turns alternate in rounds. Requests per second and core: those for each second of processor time of the proxy's process, so that a busy
neighbour or an upstream at its limit does not count against a proxy; the targets are about them. Medians of the rounds; ratios: median
of the ratios within each round.`;

/** Measures, and prints each table as it is done. @throws Error when a proxy answers wrongly */
export async function runGatewaySuite(quick: boolean, print: (text: string) => void): Promise<GatewayResult> {
  const plan = gatewayPlan(quick);
  print(`${QUESTION}\n\n${WORKLOAD}\n${plan.connections} connections.\n`);
  const results: EdgeResult[] = [];
  for (const algorithm of plan.algorithms) {
    const result = await measureEdge(algorithm, plan);
    showProgress('');
    print(`${drawEdge(result)}\n`);
    results.push(result);
  }
  return { question: QUESTION, workload: WORKLOAD, plan, results, targets: gatewayTargets(results) };
}

function measureEdge(algorithm: EdgeAlgorithm, plan: GatewayPlan): Promise<EdgeResult> {
  return withStage(algorithm, plan, async (stage) => {
    showProgress(`${algorithm}: checking the proxies`);
    await checkProxies(stage);
    const turns = await playRounds(stage, algorithm, plan);
    return { algorithm, tokens: plan.tokens, meanTokenBytes: new ReceivedTokens(stage.tokenFile).meanBytes, turns };
  });
}
