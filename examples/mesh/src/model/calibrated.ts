/** Unit costs for the predictions: from a file, or fresh from the command. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type Calibration, parseCalibration } from '@watchword/planner';
import { commandPath } from '../gateway/start.ts';

/** Reads a file. @throws ShapeError, SyntaxError, or the error of the file system */
export function readCalibration(file: string): Calibration {
  return parseCalibration(JSON.parse(readFileSync(file, 'utf8')));
}

/** Runs `watchword calibrate`. @throws Error when it fails */
export async function calibrateNow(quick: boolean): Promise<Calibration> {
  const folder = mkdtempSync(join(tmpdir(), 'watchword-model-'));
  try {
    const out = join(folder, 'costs.json');
    const args = [commandPath(), 'calibrate', '--out', out, ...(quick ? ['--quick'] : [])];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`watchword calibrate ended with exit code ${code}`);
    return readCalibration(out);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
