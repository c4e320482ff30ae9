/** `npm start` and `npm test` at the same time install and build once, one after the other. */
import { appendFileSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { inRoot } from './paths.mjs';

const LOCK = inRoot('.watchword', 'setup.lock');
const POLL_MS = 200;
// Longer than any install: after a restart of the machine the noted process id may be somebody else's.
const STALE_MS = 1_800_000;

/**
 * Runs `work` while no other process of this repository does.
 * @template Result
 * @param {() => Promise<Result>} work
 * @returns {Promise<Result>}
 */
export async function withLock(work) {
  mkdirSync(inRoot('.watchword'), { recursive: true });
  for (let told = false; !tryLock(); told = true) {
    if (!told) console.log('Waiting for another install or build of this repository to finish');
    await sleep(POLL_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(LOCK, { force: true });
  }
}

/**
 * Notes a step that runs under the lock: where this process is killed and the step survives, the lock is still held.
 * @param {number} pid
 */
export function noteStep(pid) {
  if (holders()[0] === process.pid) appendFileSync(LOCK, `\n${pid}`);
}

function tryLock() {
  const draft = `${LOCK}.${process.pid}`;
  writeFileSync(draft, String(process.pid));
  try {
    // Unlike creating and then writing, a link appears together with its content.
    linkSync(draft, LOCK);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    // A set-up that was killed half-way leaves its lock behind.
    if (!isHeld()) rmSync(LOCK, { force: true });
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

function isHeld() {
  try {
    return Date.now() - statSync(LOCK).mtimeMs < STALE_MS && holders().some(isAlive);
  } catch {
    return false;
  }
}

function holders() {
  try {
    return readFileSync(LOCK, 'utf8').split('\n').map(Number);
  } catch {
    return [];
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
