import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { ask } from '../../packages/server/test/api/http.ts';
import { type ApiStack, startApi } from '../../packages/server/test/api/stack.ts';
import { logIn, missingBrowser, openBrowser, openPage } from './browser.ts';

const HOST = 'spica.example.com';

let browser: Browser;
let api: ApiStack;

beforeAll(async () => {
  if (missingBrowser !== null) return;
  [browser, api] = await Promise.all([
    openBrowser([`--host-resolver-rules=MAP ${HOST} 127.0.0.1`]),
    startApi({ server: { host: '0.0.0.0' } }),
  ]);
});
afterAll(async () => {
  await browser?.close();
  await api?.close();
});
beforeEach((context) => {
  if (missingBrowser !== null) context.skip(missingBrowser);
});

const addressOf = (host: string) => `http://${host}:${new URL(api.server.url).port}`;
const CHANGE = `fetch('/v1/plans', {
  method: 'POST',
  headers: { 'content-type': 'application/json', 'spica-csrf': PROOF },
  body: '{}',
}).then(({ status }) => status)`;

it('lets one in and act over plain HTTP from another machine, where browsers tell less of a call', async () => {
  const { page } = await openPage(browser, addressOf(HOST));
  await logIn(page, api.tokens.operator, '/requests');
  expect(page.url()).toBe(`${addressOf(HOST)}/requests`);
  const { csrf } = (await page.evaluate(`fetch('/v1/session').then((answer) => answer.json())`)) as {
    csrf: string;
  };
  expect(await page.evaluate(CHANGE.replace('PROOF', JSON.stringify(csrf)))).toBe(201);
  expect(await page.evaluate(CHANGE.replace('PROOF', '""'))).toBe(403);
  expect(await page.evaluate('document.cookie')).toBe(''); // no script sees the session's
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByLabel('Token').waitFor();
  expect(await page.context().cookies()).toEqual([]);
});

it('is opened by a link of `spica open`, logged in as its operator', async () => {
  const made = await ask(api.server.socket ?? '', '/open', { method: 'POST', body: { by: 'ada@here' } });
  const { url } = made.json as { url: string };
  const { page } = await openPage(browser, addressOf('127.0.0.1'));
  await page.goto(url);
  await page.getByText('ada@here').waitFor();
  expect(page.url()).toBe(`${addressOf('127.0.0.1')}/`);
});
