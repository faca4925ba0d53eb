import { createCatalog } from '@spica/catalog';
import { newRecord } from '@spica/core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type ApiStack, startApi } from '../../packages/server/test/api/stack.ts';
import { expectAccessible, logIn, missingBrowser, openBrowser, openPage } from './browser.ts';
import { frameTime } from './chromium.ts';

const REAL = 10;
/** More than are judged anew at each change. How long it takes with 100,000, `npm run bench -- list` says. */
const LISTED = 20_000;
const STEP = 2_000;
const ACTIONS = '**/v1/instances/actions*';

let browser: Browser;
let api: ApiStack;
let real: string;

beforeAll(async () => {
  if (missingBrowser !== null) return;
  [browser, api] = await Promise.all([
    openBrowser(),
    startApi({ settings: { 'pools.main.retention.max_instances': 2 * LISTED } }),
  ]);
  const wait = { headers: { prefer: 'wait=60' } };
  const body = { count: REAL, experiment: 'real', labels: { kind: 'real' } };
  const { json } = await api.call('operator', 'POST', '/v1/requests', body, wait);
  real = (json as { instances: { id: string }[] }).instances[0]?.id ?? '';
  await list(LISTED);
});
afterAll(async () => {
  await browser?.close();
  await api?.close();
});
beforeEach((context) => {
  if (missingBrowser !== null) context.skip(missingBrowser);
});

/** Has the catalog list so many more, older than the real ones: no list looks at the disk. */
async function list(count: number): Promise<void> {
  const catalog = createCatalog({ redis: api.redis, pool: 'main' });
  const now = Date.now();
  for (let from = 0; from < count; from += STEP) {
    const records = Array.from({ length: STEP }, (_, i) => aRecord(from + i, now));
    await Promise.all(records.map((record) => catalog.adopt(record)));
  }
}

function aRecord(n: number, now: number) {
  const bytes = 1e9 + ((n * 7_919) % 1e6) * 4096;
  const at = now - (n + 100) * 60_000;
  const size = { allocatedBytes: bytes, apparentBytes: bytes, inodes: 20, ownBytes: bytes };
  return newRecord({
    id: `spica-${n.toString(16).padStart(12, '0')}`,
    pool: 'main',
    request: null,
    index: null,
    template: 'default',
    templateVersion: '1.0.0',
    fingerprint: null,
    cloneMethod: 'copy',
    clonedAt: at,
    cloned: { bytes, inodes: 20 },
    predicted: null,
    expected: null,
    replicas: 0,
    by: `runner-${n % 10}`,
    parent: null,
    generation: 0,
    experiment: `experiment-${n % 20}`,
    labels: {},
    spawnedAt: at,
    sample: { at, changedAt: at, ...size },
    lease: null,
    score: n / LISTED,
    ttlMs: null,
    collect: [],
  });
}

const grid = (page: Page) => page.getByRole('grid');
const rowsOf = (page: Page) => page.locator('.grid [data-index] a.id');

it('shows the first of 20,000 instances from a few hundred that it asks for', async () => {
  const { page } = await openPage(browser, api.server.url);
  await logIn(page, api.tokens.operator);
  const lists: Promise<{ items: unknown[]; total: number }>[] = [];
  page.on('response', (response) => {
    if (new URL(response.url()).pathname !== '/v1/instances') return;
    const list = response.json();
    list.catch(() => undefined); // one that comes after the test, and goes with its page
    lists.push(list);
  });
  await page.goto('/instances');
  await rowsOf(page).first().waitFor();
  const parts = await Promise.all(lists);
  expect(parts[0]?.total).toBe(LISTED + REAL);
  expect(parts.reduce((sum, { items }) => sum + items.length, 0)).toBeLessThanOrEqual(500);
  await page.getByText('20,010 instances').waitFor();
});

/** What a page does while it is scrolled by so many pixels in each of 200 frames: what does not depend on the machine. */
async function workOfScrolling(page: Page, pixels: number) {
  const debug = await page.context().newCDPSession(page);
  await debug.send('Performance.enable');
  const layouts = async () => {
    const { metrics } = await debug.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'LayoutCount')?.value ?? Number.NaN;
  };
  await page.evaluate(`
    globalThis.added = 0;
    new MutationObserver((records) => {
      for (const { addedNodes } of records) globalThis.added += addedNodes.length;
    }).observe(document.querySelector('.grid'), { childList: true, subtree: true });
  `);
  const before = await layouts();
  await frameTime(page, `grid.scrollTop += ${pixels}`);
  return { added: await page.evaluate<number>('added'), layouts: (await layouts()) - before };
}

it('scrolls through 20,000 instances with few elements, and little work in each frame', async () => {
  const { page, complaints } = await openPage(browser, api.server.url);
  await logIn(page, api.tokens.operator, '/instances');
  await rowsOf(page).first().waitFor();
  for (const pixels of [170, 9_000]) {
    const { added, layouts } = await workOfScrolling(page, pixels);
    expect(added, `elements made anew at ${pixels} pixels a frame`).toBeLessThan(200 * 40); // of some 60 rows that are drawn
    expect(layouts, `layouts at ${pixels} pixels a frame`).toBeLessThan(220);
  }
  await grid(page).focus();
  await page.keyboard.press('End');
  await page.locator('[aria-rowindex="20011"]').getByText('spica-000000004e1f').waitFor();
  expect(await page.locator('.grid [data-index]').count()).toBeLessThan(80);
  expect(complaints).toEqual([]);
});

it('is searched, sorted and gone through by keyboard, and keeps all of that in its URL', async () => {
  const { page } = await openPage(browser, api.server.url);
  await logIn(page, api.tokens.operator, '/instances');
  await rowsOf(page).first().waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('experiment-12');
  await page.getByText('1,000 instances with “experiment-12”').waitFor();
  await page.getByRole('button', { name: 'Size' }).click();
  const head = page.getByRole('columnheader', { name: 'Size' });
  await expect.poll(() => head.getAttribute('aria-sort')).toBe('descending');
  expect(new URL(page.url()).search).toBe('?q=experiment-12&sort=size');

  await rowsOf(page).first().waitFor();
  await grid(page).focus();
  for (const key of ['j', 'ArrowDown', 'j', 'k']) await page.keyboard.press(key);
  const third = await rowsOf(page).nth(2).textContent();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: third ?? '' }).waitFor();
  await page.goBack();
  await page.locator('.row.current', { hasText: third ?? '' }).waitFor();
  expect(new URL(page.url()).search).toBe('?q=experiment-12&row=2&sort=size');
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
});

it('does one thing with all that match, once the count and a reason were given, and says how a terminal would', async () => {
  const { page } = await openPage(browser, api.server.url);
  await logIn(page, api.tokens.operator, '/instances?q=experiment-7&by=runner-7');
  await page.getByText('1,000 instances').waitFor();
  await grid(page).focus();
  await page.keyboard.press('a');
  await page.getByText('All 1,000 instances chosen').waitFor();
  await page.getByRole('button', { name: 'Pin', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Pin 1,000 instances' });
  await dialog.getByLabel(/Reason/).fill("ada's report");
  await dialog.getByText(String.raw`xargs -r spica pin --why 'ada'\''s report'`).waitFor();
  await dialog.getByRole('button', { name: 'Pin 1,000 instances' }).click();
  await page.getByText('1,000 instances pinned').waitFor();
  const { json } = await api.call('operator', 'GET', '/v1/instances?pin=pinned&limit=1');
  expect(json).toMatchObject({ total: 1_000, items: [{ pin: { by: 'operator', why: "ada's report" } }] });

  await page.goto('/audit?action=act_on_instances');
  await page
    .getByText(/pin of 1000, asked for by operator: ada's report/)
    .first()
    .waitFor();
});

it('says of each why something could not be done with it', async () => {
  const { page } = await openPage(browser, api.server.url);
  await api.call('ada', 'PUT', `/v1/instances/${real}/pin`, { why: 'mine' });
  await api.call('operator', 'PUT', `/v1/instances/${real}/pin`, { why: 'the baseline' });
  await logIn(page, api.tokens.operator, '/instances?q=kind=real&sort=id');
  await page.getByText('10 instances').waitFor();
  await grid(page).focus();
  await page.keyboard.press('Space');
  for (let row = 1; row < REAL; row += 1) await page.keyboard.press('Shift+ArrowDown');
  await page.getByText('10 instances chosen').waitFor();
  const [asked, late] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await page.route(ACTIONS, async (route) => {
    if (route.request().postData()?.includes('a test')) asked.resolve();
    await late.promise;
    await route.abort();
  });
  await page.getByRole('button', { name: 'Prune', exact: true }).click();
  await page.getByLabel(/Reason/).fill('a test');
  const prune = page.getByRole('button', { name: 'Prune 10 instances' });
  await asked.promise;
  expect(await prune.isDisabled()).toBe(true); // until the server has said what it would be done with
  late.resolve();
  await page.getByRole('alert').waitFor();
  await page.unroute(ACTIONS);
  await prune.click(); // the server has not said it: it is asked again
  await page.getByText(/of their own/).waitFor();
  await prune.click();
  const dialog = page.getByRole('dialog', { name: '9 of 10 instances deleted' });
  await dialog.getByText(/pinned by operator: the baseline/).waitFor();
  await dialog.getByRole('link', { name: real }).click();
  await page.getByRole('heading', { level: 1, name: real }).waitFor();
  await page.getByText('the baseline').first().waitFor();
});

it('lets viewers look at all of it, and change nothing', async () => {
  const { page } = await openPage(browser, api.server.url);
  await logIn(page, api.tokens.viewer, `/instances/${real}`);
  const pin = page.getByRole('button', { name: 'Unpin' });
  await pin.waitFor();
  expect(await pin.getAttribute('aria-disabled')).toBe('true');
  expect(await page.content()).not.toContain(api.stack.ctx.pool.paths.root);
});

it('has no serious fault for who cannot see or point, in light and dark colours', async () => {
  const { page } = await openPage(browser, api.server.url);
  await logIn(page, api.tokens.operator, '/instances');
  await rowsOf(page).first().waitFor();
  await expectAccessible(page);
  await grid(page).focus();
  await page.keyboard.press('Space');
  await page.getByRole('button', { name: 'Release' }).click();
  await page
    .getByRole('dialog')
    .getByText(/of their own/)
    .waitFor();
  await expectAccessible(page);
  await page.goto(`/instances/${real}`);
  await page.getByText('What keeps it').waitFor();
  await page.getByText('Loading…').first().waitFor({ state: 'detached' });
  await expectAccessible(page);
});

it('fits a screen of 380 pixels', async () => {
  const { page } = await openPage(browser, api.server.url, { viewport: { width: 380, height: 800 } });
  await logIn(page, api.tokens.operator, '/instances');
  for (const path of ['/instances', `/instances/${real}`]) {
    await page.goto(path);
    await page.getByText('Loading…').first().waitFor({ state: 'detached' });
    const width = await page.evaluate('document.documentElement.scrollWidth');
    expect([path, width]).toEqual([path, 380]);
  }
});
