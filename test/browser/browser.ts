import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { expect, vi } from 'vitest';

/** A browser keeps two cores busy by itself: where others do too, what takes seconds takes a minute. */
const MOST_MS = 90_000;
vi.setConfig({ testTimeout: 4 * MOST_MS, hookTimeout: 4 * MOST_MS, expect: { poll: { timeout: MOST_MS } } });

const NAMES = ['chromium', 'google-chrome'];

/** Why there is no browser here, for `context.skip`; null where there is one. */
export const missingBrowser: string | null =
  findBrowser() === null
    ? 'no chromium is installed: `sh scripts/setup.sh --tests` brings it, as root'
    : null;

/** Starts the system's Chromium, without a window, with further options of its own. Throws where there is none. */
export function openBrowser(args: readonly string[] = []): Promise<Browser> {
  const executablePath = findBrowser();
  if (executablePath === null) throw new Error(missingBrowser ?? '');
  // Root may not have Chromium's sandbox; and what it loads is ours alone.
  const isRoot = process.getuid?.() === 0;
  return chromium.launch({ executablePath, chromiumSandbox: !isRoot, args: [...args] });
}

/** A page in a browser profile of its own. What it complains of (errors of scripts, of its policy) is in `complaints`. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({
    baseURL: url,
    viewport: { width: 1280, height: 900 },
    ...options,
  });
  context.setDefaultTimeout(MOST_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  return { page, complaints };
}

/** Shows a token at the login form, on the way to a path. */
export async function logIn(page: Page, token: string, path = '/'): Promise<void> {
  await page.goto(path);
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('button', { name: 'Log out' }).waitFor();
}

/** Expects that axe-core finds nothing on a page that keeps anybody from using it. */
export async function expectAccessible(page: Page): Promise<void> {
  // Through the debugger, which the page's policy does not bind: it allows no script but its own.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const told = serious.map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
  expect(told).toEqual([]);
}

function findBrowser(): string | null {
  const places = (process.env['PATH'] ?? '').split(delimiter);
  for (const path of NAMES.flatMap((name) => places.map((place) => join(place, name)))) {
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // the next one
    }
  }
  return null;
}
