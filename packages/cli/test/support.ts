/** A terminal in memory, and the files that commands read. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SigningKey, generateSigningKey, signJws } from '@watchword/core';
import { onTestFinished } from 'vitest';
import { type Terminal, run } from '../src/index.ts';

/** 2026-01-01T00:00:00Z: tests choose their own time. */
export const NOW = 1_767_225_600;

export interface RunResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface TestTerminal extends Terminal {
  readonly text: { out: string; err: string };
  stop(): void;
  hangUp(): void;
  readonly exits: number[];
}

export function createTerminal(stdin = ''): TestTerminal {
  const text = { out: '', err: '' };
  const listeners: (() => void)[] = [];
  const reloads: (() => void)[] = [];
  const exits: number[] = [];
  return {
    stdin: (async function* () {
      yield stdin;
    })(),
    out: (part) => void (text.out += part),
    err: (part) => void (text.err += part),
    onStopSignal: (listener) => void listeners.push(listener),
    onReloadSignal: (listener) => void reloads.push(listener),
    exit: (code) => void exits.push(code),
    text,
    stop: () => listeners.forEach((listener) => listener()),
    hangUp: () => reloads.forEach((listener) => listener()),
    exits,
  };
}

export async function watchword(args: readonly string[], stdin = ''): Promise<RunResult> {
  const terminal = createTerminal(stdin);
  const code = await run(args, terminal);
  return { code, ...terminal.text };
}

export interface TestFiles {
  readonly directory: string;
  readonly config: string;
  readonly key: SigningKey;
  token(claims?: object, header?: object): string;
  write(name: string, content: string): string;
}

export function createFiles(more = '', listen = 'listen: {port: 0}\ncontrol: {port: 0}\n'): TestFiles {
  const directory = mkdtempSync(join(tmpdir(), 'watchword-cli-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const write = (name: string, content: string): string => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };
  const key = generateSigningKey('ES256', 'k1');
  write('jwks.json', JSON.stringify({ keys: [key.publicJwk()] }));
  const config = write(
    'watchword.yaml',
    `${listen}issuers:
  - issuer: https://idp.example
    audience: https://api.example
    algorithms: [ES256]
    jwksFile: jwks.json
txnToken:
  trustDomain: inside.example
upstreams:
  orders:
    url: http://127.0.0.1:1
routes:
  - path: /orders/*
    upstream: orders
log: {level: silent}
${more}`,
  );
  const claims = {
    iss: 'https://idp.example',
    aud: 'https://api.example',
    sub: 'user-1',
    client_id: 'app',
    iat: NOW - 60,
    exp: NOW + 600,
    jti: 'id-1',
    scope: 'orders.read',
    email: 'secret@example.org',
  };
  return {
    directory,
    config,
    key,
    write,
    token: (changes = {}, header = {}) =>
      signJws(Buffer.from(JSON.stringify({ ...claims, ...changes })), { typ: 'at+jwt', ...header }, key),
  };
}
