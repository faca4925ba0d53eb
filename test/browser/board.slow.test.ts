import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type ApiStack, startApi } from '../../packages/server/test/api/stack.ts';
import { missingBrowser, openBrowser, openPage } from './browser.ts';

/** What anybody may put into a label, a note or a name. */
const SCRIPT = '<img src=x onerror="window.ran = true">';

let browser: Browser;
let api: ApiStack;

beforeAll(async () => {
  if (missingBrowser !== null) return;
  [browser, api] = await Promise.all([openBrowser(), startApi()]);
});
afterAll(async () => {
  await browser?.close();
  await api?.close();
});
beforeEach((context) => {
  if (missingBrowser !== null) context.skip(missingBrowser);
});

/** The board's queue, for whoever shows this token at the login form, which a browser is led to. */
async function openQueue(who: 'viewer' | 'operator') {
  const { page, complaints } = await openPage(browser, api.server.url);
  await page.goto('/queues/queue/main.gate');
  await page.getByLabel('Token').fill(api.tokens[who]);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByText('Requests: admitted, held or rejected').waitFor();
  return { page, complaints };
}

const moreActions = 'main button[aria-haspopup=menu], [role=main] button[aria-haspopup=menu]';

it("lets an operator act, with the session's proof, and a viewer look on", async () => {
  const operator = await openQueue('operator');
  await operator.page.locator(moreActions).last().click();
  await operator.page.getByRole('menuitem', { name: 'Pause' }).click();
  await operator.page.getByRole('button', { name: /^(Confirm|Yes|OK)/i }).click();
  await expect.poll(() => api.stack.queues.gate.isPaused()).toBe(true);
  await api.stack.queues.gate.resume();
  const viewer = await openQueue('viewer');
  expect(await viewer.page.locator(moreActions).count()).toBe(0);
});

it('shows what anybody has put into a name as text, and leads to the page', async () => {
  await api.spawn('ada', { experiment: SCRIPT, labels: { note: SCRIPT }, notes: SCRIPT });
  const { page } = await openQueue('operator');
  await page.getByText('1 × default').first().click();
  await page.getByText(SCRIPT).first().waitFor();
  expect(await page.evaluate(() => 'ran' in globalThis)).toBe(false);
  expect(await page.getByRole('link', { name: 'Request' }).getAttribute('href')).toMatch(
    /^\/requests\/req-[0-9a-f]{12}\?pool=main$/,
  );
});
