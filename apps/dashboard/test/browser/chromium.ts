/** A real Chromium, and the page as it is shipped. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { buildDashboard } from '../../../../scripts/setup/dashboard.mjs';

const ROOT = resolve(import.meta.dirname, '../../../..');
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'];

/** Path of the browser; undefined where there is none. */
export const CHROMIUM: string | undefined = ['chromium', 'chromium-browser', 'google-chrome']
  .map((name) => spawnSync('sh', ['-c', 'command -v "$0"', name], { encoding: 'utf8' }).stdout.trim())
  .find((path) => path !== '');

/** Title for suites that need it: says what to do where they are skipped. */
export const IN_CHROMIUM: string = CHROMIUM === undefined ? 'in Chromium (not found: apt-get install chromium)' : 'in Chromium';

/** Builds the page, unless it is built, and starts the browser. */
export async function startBrowser(): Promise<Browser> {
  await buildDashboard(process.execPath);
  return chromium.launch({ executablePath: CHROMIUM!, args: FLAGS });
}

/** How people look at it. */
export const LOOKS: Readonly<Record<'light' | 'dark' | 'phone', BrowserContextOptions>> = {
  light: { viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
  dark: { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: 'light', isMobile: true, hasTouch: true },
};

/** Opens a page and fails the test on any error that it reports. */
export async function open(browser: Browser, url: string, options: BrowserContextOptions = LOOKS.light): Promise<Page> {
  const context = await browser.newContext({ ...options, reducedMotion: options.reducedMotion ?? 'reduce' });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  onTestFinished(async () => {
    await context.close();
    if (errors.length > 0) throw new Error(`The page reported: ${errors.join('; ')}`);
  });
  await page.goto(url);
  return page;
}

/** Serious and critical findings of axe-core: rule and place. */
export async function seriousFindings(page: Page): Promise<string[]> {
  const path = createRequire(import.meta.url).resolve('axe-core');
  // Through the debugger, which the policy of the page does not bind.
  await page.evaluate(readFileSync(path, 'utf8'));
  const { violations } = (await page.evaluate('axe.run()')) as {
    violations: { id: string; impact: string; nodes: { target: string[] }[] }[];
  };
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`));
}

/** Keeps a picture of the whole page in `.watchword/screenshots`, to look at. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = join(ROOT, '.watchword', 'screenshots');
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
