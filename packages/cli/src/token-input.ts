/** Gets the token from where the user has it. */
import { readFileSync } from 'node:fs';
import type { Terminal } from './terminal.ts';

/** Far above any token that is accepted; keeps a wrong file from being read as one. */
const MOST_CHARACTERS = 1_048_576;

/** The token from the argument, a file, or standard input, without white space around it. @throws Error when there is none */
export async function readToken(argument: string | undefined, file: string | undefined, terminal: Terminal): Promise<string> {
  const text =
    file === undefined ? (argument === undefined || argument === '-' ? await readInput(terminal) : argument) : readText(file);
  // As it stands in a request, or in a log of one.
  const token = text.trim().replace(/^(authorization:\s*)?bearer\s+/i, '');
  if (token === '') throw new Error('There is no token: give it on standard input, or with --token-file');
  return token;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Error(`${file}: cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause });
  }
}

async function readInput({ stdin, err }: Terminal): Promise<string> {
  if (stdin.isTTY) err('Paste the token, then press Enter and Ctrl-D:\n');
  let text = '';
  for await (const chunk of stdin) {
    text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
    if (text.length > MOST_CHARACTERS) throw new Error('Standard input is too long to be a token');
  }
  return text;
}
