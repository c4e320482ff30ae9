import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import process from 'node:process';
import { expect, it, onTestFinished } from 'vitest';
import { ownSeconds } from '../../src/calibrate/others-load.ts';

// Works for 0.6 s of processor time, says so, and stays; the process that is asked has started another one that does it.
const BUSY =
  "for (let used = 0; used < 600_000; ) ({ user: used } = process.cpuUsage()), JSON.parse(JSON.stringify(Array(5000).fill(1))); console.log('done'); process.stdin.resume();";
const STARTER = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(BUSY)}], { stdio: 'inherit' })`;

it.skipIf(!existsSync('/proc/self/stat'))(
  'work of processes that this one has started, through others and still running, is not that of others',
  { timeout: 60_000 },
  async () => {
    const before = ownSeconds();
    const child = spawn(process.execPath, ['-e', STARTER], { stdio: ['pipe', 'pipe', 'inherit'] });
    onTestFinished(() => void child.stdin.end());
    await once(createInterface(child.stdout), 'line');
    expect(ownSeconds() - before).toBeGreaterThan(0.5);
    child.stdin.end();
    child.kill();
    await once(child, 'exit');
  },
);
