/** Servers that tests run against. Where one cannot be installed, its tests skip visibly and say how to install it. */
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { withoutServiceStarts } from './service-starts.mjs';

/** Debian package, and the command that shows that it is there. */
const PACKAGES = [
  { name: 'redis-server', command: 'redis-server' },
  { name: 'haproxy', command: 'haproxy' },
  { name: 'nginx', command: 'nginx' },
  { name: 'caddy', command: 'caddy' },
  { name: 'nats-server', command: 'nats-server' },
  { name: 'rabbitmq-server', command: 'rabbitmq-server' },
  { name: 'kcat', command: 'kcat' },
  { name: 'chromium', command: 'chromium' },
  { name: 'strace', command: 'strace' },
];

/** Installs what is missing, as root on Debian; does nothing anywhere else. */
export async function installDebianPackages() {
  const missing = PACKAGES.filter(({ command }) => !isCommand(command)).map(({ name }) => name);
  if (missing.length === 0 || process.getuid?.() !== 0 || !isCommand('apt-get')) return;
  console.log(`Installing ${missing.join(', ')} ...`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await withoutServiceStarts(() => {
    // Without package lists a fresh image knows no package at all.
    for (const args of [
      ['update', '-q'],
      ['install', '-y', '-q', '--no-install-recommends', ...missing],
    ]) {
      spawnSync('apt-get', args, { stdio: 'inherit', env });
    }
  });
}

function isCommand(command) {
  return spawnSync('sh', ['-c', 'command -v "$0"', command], { stdio: 'ignore' }).status === 0;
}
