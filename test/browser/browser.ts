import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { openPage as openOwnPage, openBrowser as startBrowser } from './chromium.ts';

export { logIn, missingBrowser } from './chromium.ts';

/** Nothing here needs a graphics processor, and a machine that has none spends seconds on playing one. */
const PLAIN = ['--disable-gpu', '--in-process-gpu'];

export function openBrowser(args: readonly string[] = []): Promise<Browser> {
  return startBrowser([...PLAIN, ...args]);
}

type Opened = Awaited<ReturnType<typeof openOwnPage>>;

/** Each browser's page that is used again, and where it is. */
const kept = new WeakMap<Browser, Opened & { readonly url: string }>();

/**
 * A page as in a new profile, and what it complains of. A new one costs two processes and a second of processor time, so
 * there is one for all tests of a file: it is led away from where it was, without cookies and what else was kept. One
 * test has it at a time; what fails leaves none to others.
 */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Opened> {
  const { viewport = { width: 1280, height: 900 }, colorScheme = 'light', ...others } = options;
  const last = kept.get(browser);
  if (Object.keys(others).length > 0 || (last && last.url !== url)) {
    const opened = await openOwnPage(browser, url, options);
    onTestFinished(async ({ task }) => {
      if (task.result?.state === 'fail') await tell(opened.page);
      await opened.page.context().close();
    });
    return opened;
  }
  const opened = last ?? { ...(await openOwnPage(browser, url)), url };
  const { page, complaints } = opened;
  kept.set(browser, opened);
  // Not `onTestFailed`, which comes when all that the test has opened is closed.
  onTestFinished(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    kept.delete(browser);
    await tell(page);
    await page.context().close();
  });
  if (last) await forgetAll(page, url);
  await page.emulateMedia({ colorScheme });
  if (viewport) await page.setViewportSize(viewport);
  complaints.length = 0;
  return opened;
}

/** Prints what a page shows: it helps to find out why a test failed. */
async function tell(page: Page): Promise<void> {
  const text = await page.locator('body').ariaSnapshot({ timeout: 5_000 }).catch(String);
  console.error(`the page at ${page.url()} says:\n${text.slice(0, 10_000)}`);
}

/** Has a page forget all of the test before, at an address of the same server that shows no page of ours. */
async function forgetAll(page: Page, url: string): Promise<void> {
  page.removeAllListeners('response');
  await page.goto('/healthz');
  const debug = await page.context().newCDPSession(page);
  await debug.send('Storage.clearDataForOrigin', { origin: new URL(url).origin, storageTypes: 'all' });
  await debug.send('Network.clearBrowserCache');
  await debug.detach();
  await page.context().clearCookies();
}

/** What axe-core finds of colours: of a page in dark ones the rest is as in light ones. */
const OF_COLOURS = ['color-contrast', 'link-in-text-block'];

/** Expects that axe-core finds nothing on a page that keeps anybody from using it, in light colours and in dark ones. */
export async function expectAccessible(page: Page): Promise<void> {
  // Through the debugger, which the page's policy does not bind: it allows no script but its own.
  await page.evaluate(axe.source);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    const only = colorScheme === 'light' ? {} : { runOnly: { type: 'rule', values: OF_COLOURS } };
    // Of what is well, nothing is listed.
    const options = { resultTypes: ['violations'], ...only };
    const { violations } = await page.evaluate<axe.AxeResults>(`axe.run(${JSON.stringify(options)})`);
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    const told = serious.map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
    expect(told, `in ${colorScheme} colours`).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: 'light' });
}
