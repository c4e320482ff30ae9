import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Dashboard, startDashboard } from '../../src/index.ts';
import { CHROMIUM, IN_CHROMIUM, LOOKS, open, picture, seriousFindings, startBrowser } from './chromium.ts';
import { startEdge } from './edge.ts';

let browser: Browser;
let dashboard: Dashboard;

async function planned(look: keyof typeof LOOKS = 'light', url = dashboard.url): Promise<Page> {
  const page = await open(browser, `${url}plan`, LOOKS[look]);
  await computed(page);
  return page;
}

async function computed(page: Page): Promise<void> {
  await page.locator('.results[aria-busy=false]').waitFor();
  await page.locator('.steps[aria-busy=false]').waitFor();
}

function figure(page: Page, name: string): Promise<string> {
  return page.locator('.figure', { hasText: name }).locator('.value').innerText();
}

describe.skipIf(CHROMIUM === undefined)(`the planner ${IN_CHROMIUM}`, () => {
  beforeAll(async () => {
    browser = await startBrowser();
    dashboard = await startDashboard({ gateways: [], port: 0 });
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await dashboard?.close();
  });

  test('shows a plan by itself: figures, the growth table, limits, advice', async () => {
    const page = await planned();
    expect(await figure(page, 'Requests')).toBe('5,000');
    const rows = await page.locator('.growth-table tbody th').allInnerTexts();
    expect(rows).toEqual(['100', '10,000', '1 M', '100 M']);
    // Nobody has run these rates.
    expect(await figure(page, 'Verification')).toMatch(/^~[\d.]+$/);
    expect(await page.locator('.limits li').count()).toBeGreaterThan(1);
    expect(await page.locator('.advice li').count()).toBe(7);
    expect(await page.locator('main').innerText()).not.toMatch(/NaN|undefined|null|Infinity|∞/);
  });

  test('a slider moved by the keyboard changes the plan', async () => {
    const page = await planned();
    const before = await figure(page, 'Verification');
    await page.getByLabel('Users', { exact: true }).focus();
    await page.keyboard.press('End');
    await computed(page);
    expect(await page.getByLabel('Users', { exact: true }).getAttribute('aria-valuetext')).toBe('100 M');
    expect(await figure(page, 'Requests')).toBe('50 M');
    expect(await figure(page, 'Verification')).not.toBe(before);
    await page.getByRole('button', { name: 'Start again' }).click();
    await computed(page);
    expect(await figure(page, 'Verification')).toBe(before);
  });

  test('a remedy that is switched off costs what the advice said', async () => {
    const page = await planned();
    const before = await figure(page, 'Tokens per link');
    await page.getByLabel('Lightweight token inside').focus();
    await page.keyboard.press('Space');
    await computed(page);
    expect(await figure(page, 'Tokens per link')).not.toBe(before);
    await page.locator('.advice li', { hasText: 'Lightweight token inside off' }).waitFor();
  });

  test('what to do first when traffic grows, by how much one likes', async () => {
    const page = await planned();
    const steps = page.locator('.steps');
    await expect.poll(() => steps.innerText()).toMatch(/At 100,000 users this breaks first: .+, beyond ~[\d,]+ requests\/s\./);
    expect(await steps.locator('li').first().innerText()).toMatch(/^Run \d+ instances instead of \d+/);
    await page.getByRole('button', { name: '100 times' }).click();
    await expect.poll(() => steps.innerText(), { timeout: 15_000 }).toContain('At 1 M users');
  });

  test('the chart says what it shows, in words too', async () => {
    const page = await planned();
    const label = (): Promise<string | null> => page.locator('.growth .chart').getAttribute('aria-label');
    expect(await label()).toMatch(/^Verification cores: at 100 users .* without and .* with remedies; /);
    await page.getByRole('button', { name: 'Cost per month' }).click();
    await expect.poll(label).toMatch(/^Cost per month: at 100 users \$/);
  });

  test('nothing jumps when the plan arrives or changes', async () => {
    const page = await open(browser, `${dashboard.url}plan`);
    await page.evaluate(() => {
      const shifts = Object.assign(window, { shift: 0 });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) shifts.shift += (entry as unknown as { value: number }).value;
      }).observe({ type: 'layout-shift', buffered: true });
    });
    await computed(page);
    for (const key of ['ArrowRight', 'ArrowRight', 'PageUp']) {
      await page.getByLabel('Users', { exact: true }).focus();
      await page.keyboard.press(key);
      await computed(page);
    }
    expect(await page.evaluate(() => (window as unknown as { shift: number }).shift)).toBeLessThan(0.01);
  });

  test('takes over what a real gateway measured', async () => {
    const edge = await startEdge();
    onTestFinished(() => edge.close());
    const own = await startDashboard({ gateways: [{ name: 'edge', origin: edge.control }], port: 0, everyMs: 100 });
    onTestFinished(() => own.close());
    const page = await planned('light', own.url);
    await page.getByRole('button', { name: 'Take over from the gateway' }).click();
    await page.getByText('edge has had no requests in the last ten seconds.').waitFor();
    for (let request = 0; request < 50; request += 1) await edge.ask('user-1');
    await expect
      .poll(async () => {
        await page.getByRole('button', { name: 'Take over from the gateway' }).click();
        return page.locator('.source [role=status]').innerText();
      })
      .toMatch(/^From edge: [\d.,]+\/s requests, [\d.]+ [µm]s for each verification\.$/);
    await computed(page);
    expect(await figure(page, 'Requests')).not.toBe('5,000');
  });

  test.each(['light', 'dark', 'phone'] as const)('%s: no serious finding of axe, nothing wider than the screen', async (look) => {
    const page = await planned(look);
    expect(await seriousFindings(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
    await picture(page, `plan-${look}`);
  });
});
