import type { Page } from 'playwright-core';
import { frameTime, logIn, missingBrowser, openBrowser, openPage } from '../../test/browser/chromium.ts';

const ROWS = '.grid [data-index] a.id, p.empty';
const WATCH_FOR_ROWS = `
  new MutationObserver((_, observer) => {
    if (!document.querySelector('${ROWS}')) return;
    globalThis.firstViewAt = performance.now();
    observer.disconnect();
  }).observe(document, { childList: true, subtree: true });
`;

/** Milliseconds from the start of a page until its first row is there, or what stands in place of rows. */
async function firstView(page: Page, path: string): Promise<number> {
  await page.goto(path);
  await page.locator(ROWS).first().waitFor();
  return page.evaluate('firstViewAt');
}

/** When the page's list of instances first shows, and how it scrolls, in a real browser, beside a list of none. */
export async function measureFrames({
  url,
  token,
}: {
  readonly url: URL;
  readonly token: string;
}): Promise<void> {
  if (missingBrowser !== null) return console.log(`frames: skipped, ${missingBrowser}`);
  const browser = await openBrowser();
  try {
    const { page } = await openPage(browser, url.origin);
    await logIn(page, token, '/instances');
    await page.addInitScript(WATCH_FOR_ROWS);
    const none = await firstView(page, '/instances?experiment=none-such');
    const first = await firstView(page, '/instances');
    console.log(
      `the page's first view of the list: ${first.toFixed(0)} ms, of a list of none ${none.toFixed(0)} ms`,
    );
    const idle = await frameTime(page, '');
    const rolling = await frameTime(page, 'grid.scrollTop += 170');
    const leaping = await frameTime(page, 'grid.scrollTop += 9000');
    const [rolled, leapt, still] = [rolling, leaping, idle].map((ms) => ms.toFixed(0));
    console.log(
      `frames of the page, 95th percentile: ${rolled} ms rolling, ${leapt} ms leaping, ${still} ms where nothing happens`,
    );
  } finally {
    await browser.close();
  }
}
