import { describe, expect, test, vi } from 'vitest';
import { run } from '../src/index.ts';
import { createTerminal, watchword } from './support.ts';

describe('wrong usage: exit 2, nothing is started', () => {
  test.each([
    ['no address', ['-g', 'nonsense']],
    ['a path', ['-g', 'http://127.0.0.1:9090/metrics']],
    ['another scheme', ['-g', 'file:///etc']],
    ['a password', ['-g', 'http://user:secret@127.0.0.1:9090']],
    ['no port', ['-p', '80x']],
    ['too large a port', ['-p', '65536']],
  ])('%s', async (_, args) => {
    expect(await watchword(['dashboard', ...args])).toMatchObject({ code: 2, out: '' });
  });
});

test('prints its address and what it shows, and stops on a signal', async () => {
  const terminal = createTerminal();
  const running = run(['dashboard', '-p', '0', '-g', 'edge=http://127.0.0.1:1', 'http://127.0.0.1:2'], terminal);
  await vi.waitUntil(() => terminal.text.out.includes('showing'), { timeout: 10_000 });
  const [, url] = /dashboard on (http:\/\/127\.0\.0\.1:\d+\/), showing http:\/\/127\.0\.0\.1:1, http:\/\/127\.0\.0\.1:2\n/.exec(
    terminal.text.out,
  )!;
  const { gateways } = (await (await fetch(`${url}api/gateways`)).json()) as { gateways: { name: string }[] };
  expect(gateways.map(({ name }) => name)).toEqual(['edge', 'gateway 2']);
  terminal.stop();
  expect(await running).toBe(0);
  await expect(fetch(url!)).rejects.toThrow();
});
