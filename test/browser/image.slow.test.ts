import { mkdir, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCatalog } from '@spica/catalog';
import { openRedisTransport } from '@spica/client/redis';
import { expect, it, onTestFinished } from 'vitest';
import { makeToken } from '../../packages/server/test/api/stack.ts';
import { serve } from '../../packages/server/test/served.ts';
import { imageSite } from '../support/image.ts';
import { startLocal } from '../support/redis.ts';
import { startStack } from '../support/stack.ts';
import { logIn, missingBrowser, openBrowser, openPage } from './browser.ts';
import { aDay } from './day.ts';

it('shows, of a pool in an image, both disks: the image and what is free below it, down to its floor', async (context) => {
  if (missingBrowser !== null) return context.skip(missingBrowser);
  const site = await imageSite();
  if ('skipped' in site) return context.skip(site.skipped);
  onTestFinished(() => site.close());
  await site.make({ bytes: 2e9 });
  const local = await startLocal();
  onTestFinished(() => local.stop());
  const template = join(site.dir, 'template');
  await mkdir(template);
  await writeFile(join(template, 'model.bin'), 'weights');
  const stack = await startStack({
    target: { url: local.url },
    root: site.root,
    templates: { default: template },
    settings: { 'pools.main.disk.max_instance_gb': 0.1 },
  });
  onTestFinished(() => stack.close());
  const { bsize, bavail } = await statfs(site.dir);
  const day = aDay({ totalBytes: 2e9, availableBytes: 1.8e9 }).map((point) => ({
    ...point,
    hostAvailableBytes: bsize * bavail - point.instancesBytes,
  }));
  const now = day.map((point, i) => (i === day.length - 1 ? { ...point, at: Date.now() } : point));
  await createCatalog({ redis: stack.redis, pool: 'main' }).saveDiskHistory(now);
  const transport = await openRedisTransport({ url: local.url }, { pool: 'main' });
  onTestFinished(() => transport.close());
  const token = await makeToken(stack.redis, 'anna', 'operator');
  const server = await serve(stack.redis, [], { transports: [transport] });
  onTestFinished(() => server.close());

  const browser = await openBrowser();
  onTestFinished(() => browser.close());
  const { page, complaints } = await openPage(browser, server.url);
  await logIn(page, token);
  const below = page.locator('figure.disk').filter({ hasText: 'Free on the disk below the image' });
  await below.getByText(/\d+(\.\d)?\s[GT]B now, floor 1/).waitFor();
  await expect.poll(() => page.evaluate(COLOURS_OF_LAST_PLOT)).toBeGreaterThan(2);
  expect(await page.locator('figure.disk').count()).toBe(2);
  expect(complaints).toEqual([]);
});

/** Of a plot of which nothing is drawn there is one, or none. */
const COLOURS_OF_LAST_PLOT = `(() => {
  const canvas = [...document.querySelectorAll('figure.disk canvas')].at(-1);
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size;
})()`;
