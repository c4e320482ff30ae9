import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { PAGE_DIRECTORY, readAssets } from '../../src/assets.ts';
import { startDashboard } from '../../src/index.ts';
import { CHROMIUM, IN_CHROMIUM, startBrowser } from './chromium.ts';
import { buildDashboard } from '../../../../scripts/setup/dashboard.mjs';
import { type Edge, startEdge } from './edge.ts';

test('the script is at most 80 kB gzipped, and nothing stands inline', async () => {
  await buildDashboard(process.execPath);
  const assets = readAssets(PAGE_DIRECTORY);
  const scripts = [...assets].filter(([path]) => path.endsWith('.js'));
  expect(scripts.length).toBeGreaterThan(0);
  const bytes = scripts.reduce((sum, [, { body }]) => sum + gzipSync(body).length, 0);
  console.log(`The script of the dashboard: ${(bytes / 1000).toFixed(1)} kB gzipped`);
  expect(bytes).toBeLessThanOrEqual(80_000);
  const html = assets.get('/index.html')!.body.toString();
  expect(html).not.toMatch(/<style|style=|<script(?![^>]*src=)/);
  expect(html.match(/https?:/)).toBeNull();
}, 60_000);

describe.skipIf(CHROMIUM === undefined)(IN_CHROMIUM, () => {
  let browser: Browser;
  let edge: Edge;

  beforeAll(async () => {
    [browser, edge] = await Promise.all([startBrowser(), startEdge()]);
    await edge.ask('user-1');
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await edge?.close();
  });

  test('first figures on loopback: within a second, with room for a busy machine', async () => {
    const dashboard = await startDashboard({ gateways: [{ name: 'edge', origin: edge.control }], port: 0 });
    onTestFinished(() => dashboard.close());
    const times: number[] = [];
    for (let visit = 0; visit < 5; visit += 1) {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.addInitScript(noteFirstFigure);
      await page.goto(dashboard.url);
      times.push(await page.evaluate(() => (window as unknown as { firstFigure: Promise<number> }).firstFigure));
      await context.close();
    }
    const median = times.sort((left, right) => left - right)[2]!;
    console.log(`First figures: ${median.toFixed(0)} ms after the visit began (median of 5)`);
    expect(median).toBeLessThan(3_000);
  }, 60_000);
});

// Runs in the page, before anything of its own: milliseconds from the beginning of the visit to the frame after the first figure.
function noteFirstFigure(): void {
  const noted = new Promise<number>((resolve) => {
    const look = (): void => {
      if (document.querySelector('.figure .value') === null) requestAnimationFrame(look);
      else requestAnimationFrame(() => resolve(performance.now()));
    };
    look();
  });
  Object.assign(window, { firstFigure: noted });
}
