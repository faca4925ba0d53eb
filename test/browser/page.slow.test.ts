import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type ApiStack, startApi } from '../../packages/server/test/api/stack.ts';
import { expectAccessible, logIn, missingBrowser, openBrowser, openPage } from './browser.ts';
import { openWay } from './way.ts';

/** What anybody may put into a label, a note or a name. */
const SCRIPT = '<img src=x onerror="window.ran = true">';

let browser: Browser;
let api: ApiStack;

beforeAll(async () => {
  if (missingBrowser !== null) return;
  [browser, api] = await Promise.all([
    openBrowser(),
    startApi({
      settings: {
        'pools.main.retention.max_instances': 2,
        'pools.main.retention.keep_after_lease': '0s',
        'gate.poll_every': '1s',
      },
    }),
  ]);
});
afterAll(async () => {
  await browser?.close();
  await api?.close();
});
beforeEach((context) => {
  if (missingBrowser !== null) context.skip(missingBrowser);
});

async function submit(body: Readonly<Record<string, unknown>>): Promise<string> {
  const { json } = await api.call('operator', 'POST', '/v1/requests', { count: 1, ...body });
  return (json as { id: string }).id;
}

const WAIT = { headers: { prefer: 'wait=60' } };
let filling: Promise<unknown> | null = null;

/** Submits a request that is held until it is cancelled: all that there may be is leased. */
async function submitHeld(body: Readonly<Record<string, unknown>> = {}): Promise<string> {
  filling ??= api.call('operator', 'POST', '/v1/requests', { count: 2, lease: '1h' }, WAIT);
  await filling;
  return submit(body);
}

const rowOf = (page: Page, id: string) => page.getByRole('row').filter({ hasText: id });

it('leads an operator from the login to a held request, why it waits, and to its end when a lease ends', async () => {
  const { page, complaints } = await openPage(browser, api.server.url);
  await logIn(page, api.tokens.operator, '/requests');
  expect(new URL(page.url()).pathname).toBe('/requests');
  await page.getByText('Nothing waits.').waitFor();

  const taken = { count: 2, lease: '1h', experiment: SCRIPT, labels: { note: SCRIPT }, notes: SCRIPT };
  const { json } = await api.call('operator', 'POST', '/v1/requests', taken, WAIT);
  const held = await submit({ params: { KEY: 'a secret' }, labels: { note: SCRIPT }, notes: SCRIPT });
  const row = rowOf(page, held);
  await row.getByText(/max_instances is 2/).waitFor();
  await expect.poll(() => row.getByRole('cell').first().textContent()).toBe('1');

  await row.getByRole('link').click();
  await page.getByText('Held at the gate').waitFor();
  await page.getByText('KEY=a secret').waitFor();
  await page.getByText(SCRIPT).first().waitFor();
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.getByRole('heading', { level: 1, name: /One request waits/ }).waitFor();
  await page.goBack();

  for (const { id } of (json as { instances: { id: string }[] }).instances) {
    await api.call('operator', 'PUT', `/v1/instances/${id}/lease`, { lease: '1s', force: true });
  }
  await page.locator('[aria-current=step]', { hasText: 'Ready' }).waitFor();
  expect(await page.evaluate(() => 'ran' in globalThis)).toBe(false);
  expect(complaints).toEqual([]);
});

it('takes a request back once that was confirmed, and says how the command line does it', async () => {
  const { page } = await openPage(browser, api.server.url);
  await logIn(page, api.tokens.operator, '/requests');
  const id = await submitHeld();
  await rowOf(page, id).getByRole('button').click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(`spica cancel ${id} --pool main`).waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await rowOf(page, id).getByRole('button').click();
  await dialog.getByRole('button', { name: 'Cancel the request' }).click();
  await page.getByText(`${id} is cancelled`).waitFor();
  await rowOf(page, id).getByText('✕ cancelled').waitFor();
  const { json } = await api.call('operator', 'GET', `/v1/requests/${id}`);
  expect(json).toMatchObject({ failure: { code: 'REQUEST_CANCELLED' } });
});

it('shows viewers no parameters and no notes, and lets them change nothing', async () => {
  const id = await submitHeld({ params: { KEY: 'a secret' }, notes: 'hush' });
  const { page } = await openPage(browser, api.server.url);
  await logIn(page, api.tokens.viewer, `/requests/${id}`);
  await page.getByText('hidden').first().waitFor();
  expect(await page.content()).not.toMatch(/a secret|hush/);
  const button = page.getByRole('button', { name: `Cancel request ${id}` });
  expect(await button.getAttribute('aria-disabled')).toBe('true');
  await button.click({ force: true });
  expect(await page.getByRole('dialog').count()).toBe(0);
  await api.call('operator', 'DELETE', `/v1/requests/${id}`);
});

it('has no serious fault for who cannot see or point, in light and dark colours', async () => {
  const id = await submitHeld();
  const { page } = await openPage(browser, api.server.url);
  await page.goto('/');
  await expectAccessible(page);
  await logIn(page, api.tokens.operator);
  for (const [path, ready] of [
    ['/', 'What takes the space'],
    ['/requests', id],
    [`/requests/${id}`, 'What was asked for'],
    ['/pools', 'Clones by'],
  ] as const) {
    await page.goto(path);
    await page.getByText(ready).first().waitFor();
    await expect.poll(() => page.getByText('Loading…').count()).toBe(0);
    await expectAccessible(page);
  }
  await api.call('operator', 'DELETE', `/v1/requests/${id}`);
});

it('fits a screen of 380 pixels', async () => {
  const { page } = await openPage(browser, api.server.url, { viewport: { width: 380, height: 800 } });
  await logIn(page, api.tokens.operator);
  for (const path of ['/', '/requests', '/pools']) {
    await page.goto(path);
    await page.getByRole('heading', { level: 2 }).first().waitFor();
    const width = await page.evaluate('document.documentElement.scrollWidth');
    expect([path, width]).toEqual([path, 380]);
  }
});

it('can be used by keyboard alone: past the menu to the content, and to another view and back', async () => {
  const { page } = await openPage(browser, api.server.url);
  await logIn(page, api.tokens.operator);
  await page.goto('/');
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.keyboard.press('Tab');
  await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  expect(await page.evaluate(`document.activeElement.closest('main') !== null`)).toBe(true);
  await page.getByRole('link', { name: 'Pools' }).focus();
  await page.keyboard.press('Enter');
  await page.getByText('Clones by').waitFor();
  await page.goBack();
  await page.getByText('The disk over time').waitFor();
});

it('says that it is not current where the server is gone, and goes on once it is back', async () => {
  const way = await openWay(new URL(api.server.url).port);
  const { page } = await openPage(browser, way.url);
  await logIn(page, api.tokens.operator);
  await page.getByText('● Live').waitFor();
  const verdict = () => page.getByRole('heading', { level: 1 }).textContent();
  way.cut();
  const last = await verdict(); // of now on: its figures may have moved until then
  await page.getByText(/As of \d\d:\d\d:\d\d, reconnecting/).waitFor();
  expect(await verdict()).toBe(last);
  await way.mend();
  await page.getByText('● Live').waitFor();
  way.close();
});

it('asks for a token where the session has ended, and stays where it was', async () => {
  const { page } = await openPage(browser, api.server.url);
  await logIn(page, api.tokens.operator, '/requests');
  await page.getByText('● Live').waitFor();
  await page.context().clearCookies();
  const id = await submitHeld();
  await page.getByLabel('Token').fill('nonsense');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('alert').waitFor();
  await page.getByLabel('Token').fill(api.tokens.operator);
  await page.getByRole('button', { name: 'Log in' }).click();
  await rowOf(page, id).waitFor();
  expect(new URL(page.url()).pathname).toBe('/requests');
});
