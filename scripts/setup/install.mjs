/** Installs what package-lock.json says, unless exactly that is installed. Needs no network then. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { runStep } from './child.mjs';
import { inRoot } from './paths.mjs';

// Written last: an install that was killed half-way leaves none.
const STAMP = inRoot('node_modules', '.watchword-stamp');
const LOCKFILE = inRoot('package-lock.json');
// What npm itself noted down about the tree it installed.
const INSTALLED = inRoot('node_modules', '.package-lock.json');
const DEPENDENCY_FIELDS = ['workspaces', 'dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'];

/** Brings node_modules up to date. @throws Error when npm fails */
export async function install() {
  if (existsSync(INSTALLED) && readText(STAMP) === fingerprint()) return;
  if (!isInstalledByHand()) await runNpm();
  writeFileSync(STAMP, fingerprint());
}

async function runNpm() {
  console.log('Installing dependencies ...');
  // Whatever the environment says (NODE_ENV, omit), the compiler and the runtime are needed.
  const flags = ['--include=dev', '--include=optional', '--include=peer', '--no-audit', '--no-fund', '--loglevel=error'];
  if (existsSync(LOCKFILE) && (await npm('ci', flags)) === 0) return;
  console.log(existsSync(LOCKFILE) ? 'npm ci failed, trying npm install' : 'No package-lock.json, running npm install');
  if ((await npm('install', flags)) !== 0) throw new Error('npm could not install the dependencies');
}

function npm(command, flags) {
  // Set inside every npm script: the npm that the user started.
  const cli = process.env.npm_execpath;
  return cli?.endsWith('.js')
    ? runStep(`npm ${command}`, process.execPath, [cli, command, ...flags])
    : runStep(`npm ${command}`, process.platform === 'win32' ? 'npm.cmd' : 'npm', [command, ...flags]);
}

// Somebody who ran `npm ci` or `npm install` first need not wait for a second one.
function isInstalledByHand() {
  const wanted = readJson(LOCKFILE)?.packages;
  const installed = readJson(INSTALLED)?.packages;
  if (!wanted || !installed) return false;
  for (const { folder, manifest } of manifests()) if (!isSame(manifest, wanted[folder])) return false;
  return Object.entries(wanted).every(([path, { version, optional, link }]) => {
    if (!path.includes('node_modules/')) return true;
    const found = installed[path];
    return link ? found?.link === true : found?.version === version || (optional === true && found === undefined);
  });
}

function isSame(manifest, locked = {}) {
  return JSON.stringify(dependencyFields(manifest)) === JSON.stringify(dependencyFields(locked));
}

function fingerprint() {
  const hash = createHash('sha256');
  hash.update(`${process.platform} ${process.arch}\n${readText(LOCKFILE) ?? ''}\n`);
  for (const { folder, manifest } of manifests()) hash.update(`${folder} ${JSON.stringify(dependencyFields(manifest))}\n`);
  return hash.digest('hex');
}

function dependencyFields(manifest) {
  return DEPENDENCY_FIELDS.map((field) => sorted(manifest[field]));
}

function sorted(value) {
  if (Array.isArray(value)) return value;
  return Object.entries(value ?? {}).sort(([left], [right]) => (left < right ? -1 : 1));
}

function manifests() {
  const root = readJson(inRoot('package.json'));
  const folders = ['', ...root.workspaces.flatMap((pattern) => foldersOf(pattern))];
  return folders.map((folder) => ({ folder, manifest: readJson(inRoot(folder, 'package.json')) }));
}

// A workspace is named as such or as `folder/*`; this repository uses no other pattern.
function foldersOf(pattern) {
  if (!pattern.endsWith('/*')) return [pattern];
  const parent = pattern.slice(0, -2);
  if (!existsSync(inRoot(parent))) return [];
  const names = readdirSync(inRoot(parent)).sort();
  return names.map((name) => `${parent}/${name}`).filter((folder) => existsSync(inRoot(folder, 'package.json')));
}

function readText(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function readJson(path) {
  const text = readText(path);
  return text === undefined ? undefined : JSON.parse(text);
}
