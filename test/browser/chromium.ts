import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** A browser keeps two cores busy by itself: where others do too, what takes seconds takes a minute. */
const MOST_MS = 300_000;

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

/** What Chromium says where the machine's network interfaces change, as they do when other tests start containers. */
const NETWORK_CHANGED = 'net::ERR_NETWORK_CHANGED';

/** Chromium asks for it at its leisure where an answer is no page of ours, as between two tests. */
const FAVICON = '/favicon.ico';

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
    const [text, { url: of }] = [message.text(), message.location()];
    if (message.type() !== 'error' || text.includes(NETWORK_CHANGED) || of.endsWith(FAVICON)) return;
    complaints.push(`${text} ${of}`);
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

/** How long the frames of a page take while something is done in each of them: the 95th percentile of 200, in milliseconds. */
export function frameTime(page: Page, inEach: string): Promise<number> {
  return page.evaluate(`new Promise((resolve) => {
    const grid = document.querySelector('.grid');
    const times = [];
    let last = performance.now();
    const frame = () => {
      const now = performance.now();
      times.push(now - last);
      last = now;
      if (times.length === 200) {
        resolve(times.sort((a, b) => a - b)[190]);
        return;
      }
      ${inEach};
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  })`);
}
