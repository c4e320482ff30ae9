import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Dashboard, startDashboard } from '../../src/index.ts';
import { CHROMIUM, IN_CHROMIUM, LOOKS, open, picture, seriousFindings, startBrowser } from './chromium.ts';

let browser: Browser;
let dashboard: Dashboard;

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const SECRET = 'nobody-may-see-this';
const TOKEN = `${encode({ alg: 'RS256' })}.${encode({ sub: 'user-1', tenant: SECRET, picture: 'x'.repeat(300) })}.${'A'.repeat(342)}`;

async function inspected(token: string): Promise<Page> {
  const page = await open(browser, `${dashboard.url}inspect`);
  await page.getByLabel('Token (JWT)').fill(token);
  return page;
}

describe.skipIf(CHROMIUM === undefined)(`the token inspector ${IN_CHROMIUM}`, () => {
  beforeAll(async () => {
    browser = await startBrowser();
    dashboard = await startDashboard({ gateways: [], port: 0 });
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await dashboard?.close();
  });

  test('a token never leaves the page: no request, nothing stored, and the policy forbids it', async () => {
    const page = await open(browser, `${dashboard.url}inspect`);
    const asked: string[] = [];
    // Chromium asks for the icon when it likes.
    const icon = /^http:\/\/127\.0\.0\.1:\d+\/assets\/icon-[\w-]+\.svg$/;
    page.on('request', (request) => {
      if (!icon.test(request.url())) asked.push(request.url());
    });
    await page.getByLabel('Token (JWT)').fill(TOKEN);
    await page.getByRole('row', { name: /tenant/ }).waitFor();
    await page.getByLabel('Services read tenant').check();
    expect(asked).toEqual([]);
    const stored = await page.evaluate(async () => ({
      local: localStorage.length,
      session: sessionStorage.length,
      cookie: document.cookie,
      databases: (await indexedDB.databases()).length,
      caches: (await caches.keys()).length,
      address: location.href,
      state: history.state as unknown,
    }));
    const address = `${dashboard.url}inspect`;
    expect(stored).toEqual({ local: 0, session: 0, cookie: '', databases: 0, caches: 0, address, state: null });

    const tried = await page.evaluate(async (own) => {
      const blocked: string[] = [];
      document.addEventListener('securitypolicyviolation', (event) => blocked.push(event.effectiveDirective));
      const refused = async (work: () => unknown): Promise<boolean> => {
        try {
          await work();
          return false;
        } catch {
          return true;
        }
      };
      const fetched = await refused(() => fetch(`${own}?secret`));
      const elsewhere = await refused(() => fetch('http://127.0.0.1:1/?secret'));
      navigator.sendBeacon(`${own}?secret`, 'secret');
      const image = new Image();
      image.src = 'http://127.0.0.1:1/?secret';
      const form = document.createElement('form');
      form.action = own;
      document.body.append(form);
      form.submit();
      await new Promise((resolve) => setTimeout(resolve, 300));
      return { fetched, elsewhere, blocked: [...new Set(blocked)].sort() };
    }, dashboard.url);
    expect(tried).toEqual({ fetched: true, elsewhere: true, blocked: ['connect-src', 'form-action', 'img-src'] });
  });

  test('shows names and sizes of claims, never their values', async () => {
    const page = await inspected(TOKEN);
    await page.getByRole('row', { name: /tenant/ }).waitFor();
    expect(await page.locator('#app').innerHTML()).not.toContain(SECRET);
  });

  test('what is no token is said so, without a part of it', async () => {
    for (const [wrong, reason] of [
      ['x'.repeat(40), 'three segments'],
      ['a.b.c', 'The header is not'],
      [`${encode({})}.${encode([])}.x`, 'not a JSON object'],
    ] as const) {
      const page = await inspected(wrong);
      await page.getByText(reason).waitFor();
      expect(await page.locator('.claims').count()).toBe(0);
    }
  });

  test('what could go: sizes follow the claims that are ticked', async () => {
    const page = await inspected(` Bearer ${TOKEN}\n`);
    const inside = page.locator('.figure', { hasText: 'As a Txn-Token' }).locator('.value');
    const before = Number(await inside.innerText());
    await page
      .getByRole('row', { name: /picture/ })
      .getByText('could go')
      .waitFor();
    await page.getByLabel('Services read picture').focus();
    await page.keyboard.press('Space');
    await page
      .getByRole('row', { name: /picture/ })
      .getByText('carry it')
      .waitFor();
    // 300 characters, the name and the punctuation, four for three.
    expect(Number(await inside.innerText()) - before).toBeGreaterThan(400);
    await page.getByRole('button', { name: 'Clear' }).click();
    expect(await page.locator('.claims').count()).toBe(0);
    expect(await page.getByLabel('Token (JWT)').inputValue()).toBe('');
  });

  test.each(['light', 'dark', 'phone'] as const)('%s: no serious finding of axe, nothing wider than the screen', async (look) => {
    const page = await open(browser, `${dashboard.url}inspect`, LOOKS[look]);
    await page.getByRole('button', { name: 'Show an example' }).click();
    await page.getByLabel('Services read tenant').check();
    expect(await seriousFindings(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
    await picture(page, `inspect-${look}`);
  });
});
