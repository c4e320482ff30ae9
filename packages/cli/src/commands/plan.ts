/** `watchword plan`: what tokens cost at 100 to 100 million users, what breaks first, and what to do about it. */
import type { Command } from 'commander';
import { ConfigError } from '@watchword/gateway';
import {
  DEFAULT_SCENARIO,
  REFERENCE_CALIBRATION,
  RULES_OF_THUMB,
  type Scenario,
  ShapeError,
  checkRulesOfThumb,
  grow,
  plan,
  simulateEdge,
  withObserved,
} from '@watchword/planner';
import { describeFailure } from '../failure.ts';
import { type ScenarioFlags, addScenarioFlags, applyFlags } from '../plan/flags.ts';
import { NotObservable, lookAt } from '../plan/look.ts';
import { formatPlan } from '../plan/plan-text.ts';
import { readCalibration, readScenario } from '../plan/scenario-file.ts';
import { EXIT, type Terminal } from '../terminal.ts';

interface PlanOptions extends ScenarioFlags {
  readonly scenario?: string;
  readonly calibration?: string;
  readonly grow?: string;
  readonly from?: string;
  readonly seconds: string;
  readonly simulate?: true;
  readonly json?: true;
}

/** Scenarios that need no file. */
const SHIPPED: ReadonlyMap<string, Scenario> = new Map([DEFAULT_SCENARIO, RULES_OF_THUMB].map((each) => [each.name, each]));

/** Adds the command. */
export function addPlanCommand(program: Command, terminal: Terminal, done: (code: number) => void): void {
  const command = program
    .command('plan')
    .description(
      'Show what tokens cost at 100 to 100 million users, with and without remedies, what breaks first, what helps most.',
    )
    .option('-s, --scenario <file>', `YAML file, or one that is built in: ${[...SHIPPED.keys()].join(', ')}`)
    .option('-c, --calibration <file>', 'unit costs that watchword calibrate has measured; default: those of a common server')
    .option('--from <url>', 'control listener of a running gateway: plan with what it has measured')
    .option('--seconds <n>', 'time between two looks at it', '5')
    .option('--grow <factor>', 'what to do first when traffic grows, as 10x')
    .option('--simulate', "count the hits of the gateway's caches in a simulation too, in some seconds")
    .option('--json', 'print the plan as JSON');
  addScenarioFlags(command)
    .addHelpText('after', HELP)
    .action(async (options: PlanOptions) => done(await runPlan(options, terminal)));
}

async function runPlan(options: PlanOptions, terminal: Terminal): Promise<number> {
  try {
    const calibration = options.calibration === undefined ? REFERENCE_CALIBRATION : readCalibration(options.calibration);
    const scenario = await scenarioOf(options);
    const factor = options.grow === undefined ? undefined : factorOf(options.grow);
    const planned = plan(scenario, calibration);
    const growth = factor === undefined ? undefined : grow(scenario, factor, calibration);
    const rules = options.scenario === RULES_OF_THUMB.name ? checkRulesOfThumb(calibration) : undefined;
    const simulatedHits = options.simulate && simulateEdge(scenario);
    const extras = { ...(growth && { growth }), ...(rules && { rules }), ...(simulatedHits && { simulatedHits }) };
    if (options.json) terminal.out(`${JSON.stringify({ ...planned, ...extras }, undefined, 2)}\n`);
    else terminal.out(formatPlan(planned, { growth, rules, simulatedHits }));
    return EXIT.ok;
  } catch (error) {
    if (error instanceof ConfigError) terminal.err(describeFailure(error));
    else if (error instanceof ShapeError) terminal.err(`${error.message.replaceAll(/^/gm, 'error: ')}\n`);
    else if (error instanceof NotObservable || error instanceof RangeError) terminal.err(`error: ${error.message}\n`);
    else throw error;
    return error instanceof NotObservable ? EXIT.refused : EXIT.usage;
  }
}

async function scenarioOf({ scenario: name, from, seconds, ...flags }: PlanOptions): Promise<Scenario> {
  const described = name === undefined ? DEFAULT_SCENARIO : (SHIPPED.get(name) ?? readScenario(name, DEFAULT_SCENARIO));
  const scenario = applyFlags(flags, described);
  if (from === undefined) return scenario;
  const wait = Number(seconds);
  if (!(wait > 0 && wait <= 600)) throw new RangeError('--seconds: must be above 0 and at most 600');
  return withObserved(scenario, await lookAt(from, wait));
}

function factorOf(text: string): number {
  const factor = Number(text.replace(/x$/i, ''));
  if (!(factor > 1 && factor <= 1e6)) throw new RangeError('--grow: must be a factor above 1, and at most 1000000, as 10x');
  return factor;
}

const HELP = `
Exit code: 0; 1: the gateway could not be asked; 2: wrong usage, or a wrong scenario or calibration, with file:line:column.

A scenario (all settings have defaults):
  users: 20000
  services:
    orders: {calls: {inventory: 1, pricing: 2}, workMicros: 300, instances: 2, threads: 2}
    inventory: {}
    pricing: {}
  token: {bytes: 1400, algorithm: RS256, lifetimeSeconds: 600}
  remedies: {caching: true, http2: false}
  prices: {currency: EUR, cpuHour: 0.05, trafficGigabyte: 0.02}

Examples:
  $ watchword plan
  $ watchword plan --scenario rules-of-thumb
  $ watchword plan --scenario shop.yaml --calibration costs.json --grow 10x
  $ watchword plan --from http://127.0.0.1:9090 --seconds 30
  $ watchword plan --users 50000 --remedies none --json`;
