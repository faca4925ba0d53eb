import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

export { logIn, missingBrowser, openBrowser, openPage } from './chromium.ts';

/** Expects that axe-core finds nothing on a page that keeps anybody from using it. */
export async function expectAccessible(page: Page): Promise<void> {
  // Through the debugger, which the page's policy does not bind: it allows no script but its own.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const told = serious.map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
  expect(told).toEqual([]);
}
