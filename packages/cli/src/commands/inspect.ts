/** `watchword inspect`: where the bytes of a token are, and which of its claims would have to travel. */
import type { Command } from 'commander';
import { type GatewayConfig, loadConfig } from '@watchword/gateway';
import { type MintedWith, TokenUnreadable, adviseMapping, dissectToken } from '@watchword/planner';
import { readClaimReads } from '../claim-reads.ts';
import { describeFailure } from '../failure.ts';
import { type Inspection, formatInspection } from '../inspection-text.ts';
import { EXIT, type Terminal } from '../terminal.ts';
import { readToken } from '../token-input.ts';

interface InspectOptions {
  readonly config?: string;
  readonly reads?: readonly string[];
  readonly json?: true;
  readonly tokenFile?: string;
}

/** Adds the command. */
export function addInspectCommand(program: Command, terminal: Terminal, done: (code: number) => void): void {
  program
    .command('inspect')
    .description("Show a token's bytes by claim, and the smallest mapping that serves what services read. Verifies nothing.")
    .argument('[token]', 'the token; "-" or nothing: standard input, so that it does not end up in the shell history')
    .option('-c, --config <file>', 'configuration of the gateway: its present mapping, and the size of its Txn-Tokens')
    .option('-r, --reads <file...>', 'what services have read: JSON of their ClaimReads')
    .option('--token-file <file>', 'read the token from a file')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', HELP)
    .action(async (token: string | undefined, options: InspectOptions) => done(await runInspect(token, options, terminal)));
}

async function runInspect(argument: string | undefined, options: InspectOptions, terminal: Terminal): Promise<number> {
  try {
    if (argument !== undefined && options.tokenFile !== undefined)
      throw new TokenUnreadable('give the token or --token-file, not both');
    const minted = options.config === undefined ? undefined : mintedWith(loadConfig(options.config));
    const recorded = options.reads === undefined ? undefined : readClaimReads(options.reads);
    const anatomy = dissectToken(await readToken(argument, options.tokenFile, terminal));
    const inspection: Inspection = { anatomy, advice: recorded && adviseMapping(anatomy, recorded.reads, minted), recorded };
    terminal.out(options.json ? jsonOf(inspection) : formatInspection(inspection));
    return EXIT.ok;
  } catch (error) {
    terminal.err(error instanceof TokenUnreadable ? `error: ${error.message}\n` : describeFailure(error));
    return EXIT.usage;
  }
}

/** Characters of a key id that the gateway gives itself: the first of a thumbprint (RFC 7638). */
const OWN_KEY_ID_LENGTH = 8;

function mintedWith({ txnToken }: GatewayConfig): MintedWith | undefined {
  if (txnToken === undefined) return undefined;
  const { trustDomain, requestingWorkload, algorithm, keyId, claims } = txnToken;
  return { trustDomain, requestingWorkload, algorithm, keyIdLength: keyId?.length ?? OWN_KEY_ID_LENGTH, mapping: claims };
}

// Names and sizes only: the values of claims stay where they are (invariant 5).
function jsonOf({ anatomy: { payload: _payload, ...sizes }, advice, recorded }: Inspection): string {
  return `${JSON.stringify({ ...sizes, ...(recorded && { services: recorded.services }), ...(advice && { advice }) }, undefined, 2)}\n`;
}

const HELP = `
A service records its reads with an accessor:
  const reads = new ClaimReads('orders');
  const claims = defineClaims({ tenant: 'string', level: 'number?' }, { reads });
  ... claims().tenant ...                            in its handlers
  writeFileSync('orders.reads.json', JSON.stringify(reads));

Exit code: 0, or 2: wrong usage, or no JWT.

Examples:
  $ watchword inspect < token.txt
  $ watchword inspect --config watchword.yaml --reads orders.reads.json stock.reads.json < token.txt`;
