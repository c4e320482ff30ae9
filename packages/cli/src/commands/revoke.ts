/** `watchword revoke`: takes tokens back through the control listener of a running gateway. */
import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { type RevocationAnswer, askGateway } from '../revocation-request.ts';
import { EXIT, type Terminal } from '../terminal.ts';

interface RevokeOptions {
  readonly gateway: URL;
  readonly issuer: string;
  readonly jti?: string;
  readonly sid?: string;
  readonly sub?: string;
  readonly kid?: string;
  readonly issuedBefore?: number;
  readonly expiresIn: number;
  readonly secretFile?: string;
  readonly json?: true;
}

/** Adds the command. */
export function addRevokeCommand(program: Command, terminal: Terminal, done: (code: number) => void): void {
  program
    .command('revoke')
    .description('Take tokens back: from now on every gateway that shares the revocation log refuses them.')
    .requiredOption('--issuer <issuer>', 'whose tokens: a trusted issuer, or the trust domain of Txn-Tokens')
    .option('--jti <id>', 'one token')
    .option('--sid <id>', 'all tokens of one session')
    .option('--sub <subject>', 'all tokens of one subject that were issued before --issued-before')
    .option('--kid <id>', 'everything that one key has signed')
    .option('--issued-before <time>', 'with --sub: Unix seconds, or "now"', parseTime)
    .requiredOption(
      '--expires-in <time>',
      'how long to remember it: not shorter than the longest life of such a token',
      parseSpan,
    )
    .option('--gateway <url>', 'control listener of a gateway on this machine', parseGateway, new URL('http://127.0.0.1:9090'))
    .option('--secret-file <file>', "file with the secret of the gateway's operators (control.secretFile)")
    .option('--json', 'print the answer as JSON')
    .addHelpText('after', HELP)
    .action(async (options: RevokeOptions) => done(await runRevoke(options, terminal)));
}

async function runRevoke(options: RevokeOptions, terminal: Terminal): Promise<number> {
  const { gateway, issuer, issuedBefore, expiresIn, json } = options;
  const targets = (['jti', 'sid', 'sub', 'kid'] as const).filter((name) => options[name] !== undefined);
  const [target] = targets;
  if (target === undefined || targets.length > 1) return misused(terminal, 'give exactly one of --jti, --sid, --sub and --kid');
  if ((target === 'sub') !== (issuedBefore !== undefined)) return misused(terminal, '--sub and --issued-before go together');
  const secret = readSecret(options.secretFile);
  if (secret === null) return misused(terminal, '--secret-file: cannot be read, or holds no secret');
  const time = issuedBefore === undefined ? {} : { issuedBefore };
  const answer = await askGateway(gateway, { issuer, [target]: options[target], ...time, expiresInSeconds: expiresIn }, secret);
  report(answer, target, json === true, terminal);
  return answer.revoked ? EXIT.ok : EXIT.refused;
}

// What a gateway may hold in place of the secret is of no use to ask with, nor is what no gateway takes for one.
function readSecret(file: string | undefined): string | undefined | null {
  if (file === undefined) return undefined;
  try {
    const secret = readFileSync(file, 'utf8').trim();
    return /^[\x21-\x2b\x2d-\x7e]+$/.test(secret) && !secret.startsWith('sha256:') ? secret : null;
  } catch {
    return null;
  }
}

function misused(terminal: Terminal, reason: string): number {
  terminal.err(`error: ${reason}\n(--help shows what is possible)\n`);
  return EXIT.usage;
}

function report(answer: RevocationAnswer, target: string, isJson: boolean, { out, err }: Terminal): void {
  if (isJson) out(`${JSON.stringify(answer, undefined, 2)}\n`);
  else if (answer.revoked) out(`revoked by ${target}, remembered until ${answer.until}\n`);
  else err(`watchword: not revoked${isRefusal(answer) ? '' : ' for sure'}: ${answer.reason}\n`);
}

// Without an answer, or with one of a server in trouble, it may have been done.
function isRefusal({ status = 0 }: Extract<RevocationAnswer, { revoked: false }>): boolean {
  return status >= 400 && status < 500;
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

function parseSpan(text: string): number {
  const [, digits, unit = 's'] = /^(\d{1,9})([smhd]?)$/.exec(text) ?? [];
  const seconds = Number(digits) * (UNITS[unit === '' ? 's' : unit] ?? NaN);
  if (!(seconds >= 1 && seconds <= 315_360_000)) {
    throw new InvalidArgumentError('It must be a time such as 3600, 90m, 12h or 7d, at most 3650d.');
  }
  return seconds;
}

function parseTime(text: string): number {
  // `iat` counts whole seconds: what was issued in this one counts as before.
  if (text === 'now') return Math.floor(Date.now() / 1000) + 1;
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a number of seconds since 1970, or "now".');
  if (Number(text) > 100_000_000_000) throw new InvalidArgumentError('It looks like milliseconds; give seconds.');
  return Number(text);
}

function parseGateway(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new InvalidArgumentError('It must be an http: URL.');
  return url;
}

const HELP = `
Exit code: 0 revoked and stored; 1 the gateway refused, could not store it, or could not be asked; 2 wrong usage.

Examples:
  $ watchword revoke --issuer https://idp.example --jti a1b2 --expires-in 1h
  $ watchword revoke --issuer https://idp.example --sub user-1 --issued-before now --expires-in 12h
  $ watchword revoke --gateway http://127.0.0.1:9090 --issuer https://idp.example --kid k1 --expires-in 7d --json`;
