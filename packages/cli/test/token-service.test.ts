import { randomBytes } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { run } from '../src/index.ts';
import { createFiles, createTerminal, watchword } from './support.ts';

const SECRET = randomBytes(32).toString('base64url');
const SECTION = `tokenService:
  listen: {port: 0}
  issuer: https://tts.inside.example
  clients:
    - {id: orders, method: client_secret_basic, secretFile: secret}
`;

async function introspect(url: string): Promise<Response> {
  const authorization = `Basic ${btoa(`orders:${SECRET}`)}`;
  return fetch(`${url}/introspect`, { method: 'POST', headers: { authorization }, body: new URLSearchParams({ token: 'x' }) });
}

test.each(['token-service', 'gateway'])('%s: prints its addresses, answers, stops on a signal', async (command) => {
  const files = createFiles(SECTION);
  files.write('secret', SECRET);
  const terminal = createTerminal();
  const ended = run([command, '--config', files.config], terminal);
  await vi.waitFor(() => expect(terminal.text.err).toContain('control on'));
  const [, address] = (command === 'gateway' ? /token service on (\S+)/ : /listens on ([^\s,]+)/).exec(terminal.text.err)!;
  expect(await (await introspect(`http://${address}`)).json()).toEqual({ active: false });
  terminal.stop();
  expect(await ended).toBe(0);
  await expect(introspect(`http://${address}`)).rejects.toThrow();
});

test('refused: no section, a secret that can be guessed, with the line', async () => {
  expect(await watchword(['token-service', '-c', createFiles().config])).toMatchObject({
    code: 1,
    err: expect.stringContaining('tokenService: is required'),
  });
  const files = createFiles(SECTION);
  files.write('secret', 'password');
  const { code, err } = await watchword(['token-service', '-c', files.config]);
  expect(code).toBe(1);
  expect(err).toMatch(/watchword\.yaml:\d+:\d+: tokenService\.clients\[0\]\.secretFile: secret: must have/);
  expect(await watchword(['validate', files.config])).toMatchObject({ code: 1, out: '' });
});
