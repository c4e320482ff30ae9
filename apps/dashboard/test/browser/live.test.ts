import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type GatewayTarget, startDashboard } from '../../src/index.ts';
import { CHROMIUM, IN_CHROMIUM, LOOKS, open, picture, seriousFindings, startBrowser } from './chromium.ts';
import { type Edge, startEdge } from './edge.ts';
import { controlListener } from '../support.ts';

let browser: Browser;
let edge: Edge;

async function dashboardOf(...gateways: readonly GatewayTarget[]): Promise<string> {
  const dashboard = await startDashboard({ gateways, port: 0, everyMs: 200 });
  onTestFinished(() => dashboard.close());
  return dashboard.url;
}

describe.skipIf(CHROMIUM === undefined)(`the live view ${IN_CHROMIUM}`, () => {
  beforeAll(async () => {
    [browser, edge] = await Promise.all([startBrowser(), startEdge()]);
    for (let round = 0; round < 10; round += 1) {
      const users = Array.from({ length: 5 }, (_, index) => edge.ask(`user-${index}`));
      expect(new Set(await Promise.all(users))).toEqual(new Set([200]));
    }
    expect(await edge.ask('late', { exp: 1 })).toBe(401);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await edge?.close();
  });

  test('shows what a real gateway did', async () => {
    const page = await open(browser, await dashboardOf({ name: 'edge', origin: edge.control }));
    await page.getByText('ready', { exact: true }).waitFor();
    const text = await page.locator('main').innerText();
    // Five users and one expired token were checked, 45 requests were not.
    expect(text).toMatch(/88\.2\s*%\s*of verifications needed no signature check\s+45 of 51 since the gateway started/);
    for (const part of ['5 Txn-Tokens signed since the start', 'external token', 'Txn-Token', 'token_expired', '5 verdicts'])
      expect(text).toContain(part);
    expect(text).not.toMatch(/NaN|undefined|null|Infinity/);
    const weights = await page.locator('.weight').allInnerTexts();
    expect(weights).toEqual([expect.stringMatching(/^\d+ B per request$/), expect.stringMatching(/^\d+ B per request$/)]);
  });

  test('services behind the gateway are listed with their verifications', async () => {
    const metrics = 'watchword_signature_checks_total 3\nwatchword_cache_hits_total 97\nwatchword_cache_misses_total 3\n';
    const origin = await controlListener({ '/metrics': metrics, '/readyz': '{"status":"ready"}' });
    const url = await dashboardOf({ name: 'edge', origin: edge.control }, { name: 'orders', origin });
    const page = await open(browser, url);
    const row = page.getByRole('row', { name: /^orders/ });
    await row.waitFor();
    expect(await row.innerText()).toContain('97.0 %');
    expect(await page.getByLabel('Gateway', { exact: true }).count()).toBe(0);
  });

  test('figures come by themselves, and nothing jumps when they do', async () => {
    const page = await open(browser, await dashboardOf({ name: 'edge', origin: edge.control }));
    await page.locator('.large').waitFor();
    await page.evaluate(() => {
      const shifts = window as unknown as { shift: number };
      shifts.shift = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) shifts.shift += (entry as unknown as { value: number }).value;
      }).observe({ type: 'layout-shift' });
    });
    for (let request = 0; request < 40; request += 1) await edge.ask(`user-${request % 5}`);
    const requests = page.locator('.figure', { hasText: 'Requests' }).locator('.value');
    await expect.poll(async () => Number(await requests.innerText()), { timeout: 10_000 }).toBeGreaterThan(0);
    expect(await page.evaluate(() => (window as unknown as { shift: number }).shift)).toBeLessThan(0.01);
  });

  test.each(['light', 'dark', 'phone'] as const)('%s: no serious finding of axe, nothing wider than the screen', async (look) => {
    const page = await open(browser, await dashboardOf({ name: 'edge', origin: edge.control }), LOOKS[look]);
    await page.locator('.large').waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
    await picture(page, `live-${look}`);
  });

  test('the keyboard reaches everything, visibly', async () => {
    const url = await dashboardOf({ name: 'edge', origin: edge.control }, { name: 'gone', origin: 'http://127.0.0.1:1' });
    const page = await open(browser, url);
    await page.locator('.large').waitFor();
    const reached: string[] = [];
    for (let press = 0; press < 5; press += 1) {
      await page.keyboard.press('Tab');
      reached.push(await page.evaluate(() => document.activeElement!.textContent!.trim()));
      expect(await page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle)).not.toBe('none');
    }
    expect(reached).toEqual(['Skip to the figures', 'Live', 'Plan', 'Inspect', 'edgegone']);
    await page.keyboard.press('ArrowDown');
    await page.getByRole('heading', { name: 'No gateway at this address yet' }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await picture(page, 'live-away');
  });

  test('no motion for those who want none', async () => {
    const url = await dashboardOf({ name: 'edge', origin: edge.control });
    const durationOf = async (reducedMotion: 'reduce' | 'no-preference'): Promise<string> => {
      const page = await open(browser, url, { reducedMotion });
      return page.locator('.gauge > div').evaluate((bar) => getComputedStyle(bar).transitionDuration);
    };
    expect(await durationOf('no-preference')).not.toBe('0s');
    expect(await durationOf('reduce')).toBe('0s');
  });

  test('no gateway at all: says how to name one', async () => {
    const page = await open(browser, await dashboardOf());
    await page.getByText('watchword dashboard --gateway').waitFor();
    expect(await seriousFindings(page)).toEqual([]);
  });

  test('a dashboard that ended says so and keeps its figures', async () => {
    const dashboard = await startDashboard({ gateways: [{ name: 'edge', origin: edge.control }], port: 0 });
    const page = await open(browser, dashboard.url);
    await page.locator('.large').waitFor();
    await dashboard.close();
    await page.getByText('The dashboard itself does not answer').waitFor();
    expect(await page.locator('.large').innerText()).toContain('%');
  });

  test('a gateway that goes away: its last figures stay, called old', async () => {
    const own = await startEdge();
    onTestFinished(() => own.close());
    await own.ask('user-1');
    const page = await open(browser, await dashboardOf({ name: 'edge', origin: own.control }));
    await page.locator('.large').waitFor();
    await own.stop();
    await page.getByText(/away \(.+\), figures are \d+ s old/).waitFor({ timeout: 15_000 });
    expect(await page.locator('.large').innerText()).toMatch(/0\.0\s*%/);
    expect(await seriousFindings(page)).toEqual([]);
    await picture(page, 'live-old');
  });
});
