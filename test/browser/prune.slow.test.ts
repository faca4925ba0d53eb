import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type ApiStack, startApi } from '../../packages/server/test/api/stack.ts';
import { expectAccessible, logIn, missingBrowser, openBrowser, openPage } from './browser.ts';

let browser: Browser;
let api: ApiStack;

beforeAll(async () => {
  if (missingBrowser !== null) return;
  [browser, api] = await Promise.all([
    openBrowser(),
    startApi({
      settings: {
        'pools.main.retention.max_instances': 20,
        'pools.main.retention.max_per_experiment': 3,
        'pools.main.retention.prune_on_spawn': false,
        'prune.every': '1d',
      },
    }),
  ]);
  for (let n = 0; n < 5; n += 1) await api.spawn('operator', { experiment: 'alpha' });
});
afterAll(async () => {
  await browser?.close();
  await api?.close();
});
beforeEach((context) => {
  if (missingBrowser !== null) context.skip(missingBrowser);
});

async function idsThere(): Promise<string[]> {
  const { json } = await api.call('operator', 'GET', '/v1/instances');
  return (json as { items: { id: string }[] }).items.map(({ id }) => id);
}

const panel = (page: Page, name: string) => page.getByRole('region', { name });

it('shows what other limits would delete, as they are moved, and touches nothing', async () => {
  const { page, complaints } = await openPage(browser, api.server.url);
  await logIn(page, api.tokens.operator, '/prune');
  const before = await idsThere();
  const whatIf = panel(page, 'What if');
  await whatIf.getByText('2 instances would go.').waitFor();
  await whatIf.getByLabel('Instances, at most', { exact: true }).fill('1');
  await whatIf.getByText('4 instances would go.').waitFor();
  await whatIf.getByText(/Against now: 2 more instances/).waitFor();
  await whatIf.getByText('max_instances: 1').waitFor();
  expect(new URL(page.url()).search).toBe('?maxInstances=1');
  await whatIf.getByRole('button', { name: 'As it is now' }).click();
  await whatIf.getByText('2 instances would go.').waitFor();
  expect(await idsThere()).toEqual(before);
  expect(complaints).toEqual([]);
});

it('carries out exactly the plan that was shown, with a reason, and brings back what it deleted', async () => {
  const { page } = await openPage(browser, api.server.url);
  await logIn(page, api.tokens.operator, '/prune');
  const before = await idsThere();
  const plan = panel(page, 'What it would delete now');
  await plan.getByRole('button', { name: 'Make a plan' }).click();
  await plan.getByText('2 instances would go.').waitFor();
  await plan.getByText('2 instances are over max_per_experiment').waitFor();
  const goes = await plan.locator('details[open] td a.id').allTextContents();
  expect(goes).toHaveLength(2);
  // Of the two one is pinned before the plan is carried out: that is told, and the other goes.
  const [pinned = '', gone = ''] = goes;
  await api.call('operator', 'PUT', `/v1/instances/${pinned}/pin`, { why: 'the baseline' });

  await plan.getByRole('button', { name: 'Delete 2 instances…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete 2 instances' });
  await dialog.getByText(/spica prune --plan \S+/).waitFor();
  await dialog.getByLabel(/Reason/).fill('room for the next round');
  await dialog.getByRole('button', { name: 'Delete 2 instances' }).click();
  await plan.getByText('1 instance deleted.').waitFor();
  await plan
    .getByRole('row')
    .filter({ hasText: pinned })
    .getByText(/pinned/)
    .waitFor();
  expect(await idsThere()).toEqual(before.filter((id) => id !== gone));

  await page.goto(`/instances/${gone}`);
  await page.getByText('is not there').waitFor();
  await page
    .getByText(/by the rule "per-experiment"/)
    .first()
    .waitFor();
  await page.getByRole('button', { name: 'Restore' }).click();
  const restore = page.getByRole('dialog', { name: 'Restore 1 instance' });
  await restore.getByText(`spica restore ${gone}`).waitFor();
  await restore.getByLabel(/Reason/).fill('too early');
  await restore.getByRole('button', { name: 'Restore 1 instance' }).click();
  await page.getByText('1 instance restored').waitFor();
  await page.getByText('What keeps it').waitFor();
  expect((await idsThere()).sort()).toEqual(before.sort());

  await page.goto('/audit');
  await page.getByText(/asked for by operator: too early/).waitFor();
  const entry = page.getByRole('listitem').filter({ hasText: 'room for the next round' });
  await entry.first().getByText('prune instances').click();
  await entry.first().getByText('Hash of the entry before').waitFor();
});

it('follows the log as it goes on, and narrows it down from its URL', async () => {
  const { page } = await openPage(browser, api.server.url);
  await logIn(page, api.tokens.operator, '/audit?action=pin_instance');
  const [id = ''] = await idsThere();
  await page.getByText('● Following').waitFor();
  await page.getByText(/\d+ (?:entry|entries)$/).waitFor();
  await api.call('operator', 'PUT', `/v1/instances/${id}/pin`, { why: 'seen as it happens' });
  await page.getByText('pinned by operator: seen as it happens').first().waitFor();
  expect(await page.getByText('admit request').count()).toBe(1); // in the choice of actions alone
});

it('leaves plans to operators', async () => {
  const { page } = await openPage(browser, api.server.url);
  await logIn(page, api.tokens.viewer, '/prune');
  await page.getByText('spica prune --dry-run').waitFor();
  expect(await page.getByRole('button', { name: /plan/ }).count()).toBe(0);
});

it('has no serious fault for who cannot see or point, in light and dark colours', async () => {
  const { page } = await openPage(browser, api.server.url);
  await logIn(page, api.tokens.operator, '/prune?maxInstances=1');
  await page.getByText('4 instances would go.').waitFor();
  await page.getByRole('button', { name: 'Make a plan' }).click();
  await page.getByText('would stay').first().waitFor();
  await expectAccessible(page);
  await page.goto('/audit');
  await page.locator('.entries summary').first().click();
  await page.getByText('Hash of the entry before').first().waitFor();
  await expectAccessible(page);
});

it('fits a screen of 380 pixels', async () => {
  const { page } = await openPage(browser, api.server.url, { viewport: { width: 380, height: 800 } });
  await logIn(page, api.tokens.operator, '/prune?maxInstances=1&minFreeGb=5');
  await page.getByText('4 instances would go.').waitFor();
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(380);
  await page.goto('/audit');
  await page.locator('.entries summary').first().click();
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(380);
});
