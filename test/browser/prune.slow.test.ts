import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type ApiStack, startApi } from '../../packages/server/test/api/stack.ts';
import { logIn, missingBrowser, openBrowser, openPage } from './browser.ts';

let browser: Browser;
let api: ApiStack;

beforeAll(async () => {
  if (missingBrowser !== null) return;
  const settings = { 'pools.main.retention.keep_after_lease': '0s', 'pools.main.retention.min_age': '0s' };
  [browser, api] = await Promise.all([openBrowser(), startApi({ settings })]);
});
afterAll(async () => {
  await browser?.close();
  await api?.close();
});
beforeEach((context) => {
  if (missingBrowser !== null) context.skip(missingBrowser);
});

it('deletes exactly what a plan has shown, with a reason for the audit log, and brings it back', async () => {
  const stays = await api.spawn('operator', { lease: '1h' });
  const goes = await api.spawn('operator', { ttl: '1ms' });
  const { page, complaints } = await openPage(browser, api.server.url);
  await logIn(page, api.tokens.operator, '/prune');
  await page.getByRole('button', { name: 'Make a plan' }).click();
  await page.getByText('1 instance would go.').waitFor();
  expect(await page.getByRole('table', { name: 'Goes' }).textContent()).toContain(goes);
  await api.spawn('operator', { ttl: '1ms' }); // due by now, but not in the plan

  await page.getByRole('button', { name: 'Delete 1 instance…' }).click();
  await page.getByLabel('Reason, for the audit log').fill('tidying up');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete 1 instance' }).click();
  await page.getByText('1 instance deleted.').waitFor();
  expect((await api.call('operator', 'GET', `/v1/instances/${goes}`)).status).toBe(410);
  const { items } = await api.transport.instances({});
  expect(items).toHaveLength(2);
  expect(items.map(({ id }) => id)).toContain(stays);

  await page.getByRole('button', { name: 'Restore' }).click();
  await page.getByLabel('Reason, for the audit log').fill('still needed');
  await page.getByRole('dialog').getByRole('button', { name: 'Restore 1 instance' }).click();
  await page.getByText('1 instance restored').waitFor();
  expect((await api.call('operator', 'GET', `/v1/instances/${goes}`)).status).toBe(200);

  await page.getByRole('link', { name: 'Audit' }).click();
  await page.getByText('tidying up').first().waitFor();
  await page.getByText('still needed').first().waitFor();
  expect(complaints).toEqual([]);
});
