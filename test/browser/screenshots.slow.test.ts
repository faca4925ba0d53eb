import { randomFillSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCatalog } from '@spica/catalog';
import { openRedisTransport } from '@spica/client/redis';
import { requestBodySchema } from '@spica/client/wire';
import { connectProducer } from '@spica/queues';
import type { Page } from 'playwright-core';
import { expect, it, onTestFinished } from 'vitest';
import { makeToken } from '../../packages/server/test/api/stack.ts';
import { serve } from '../../packages/server/test/served.ts';
import { mountLoop } from '../support/mount.ts';
import { startLocal } from '../support/redis.ts';
import { startStack } from '../support/stack.ts';
import { logIn, missingBrowser, openBrowser, openPage } from './browser.ts';
import { aDay, MARKS, pointNow } from './day.ts';

const DOCS = join(import.meta.dirname, '../../docs');
const MB = 1e6;
const GRACE_MS = 180_000;

/** What a pool looks like on an afternoon: instances of each experiment, how long they are leased, and what they add. */
const EXPERIMENTS = [
  { experiment: 'ablation-lr', count: 10, lease: '40m', grows: 14 * MB },
  { experiment: 'tournament-42', count: 9, lease: '40m', grows: 9 * MB },
  { experiment: 'sweep-depth', count: 5, lease: '25m', grows: 22 * MB },
  { experiment: 'baseline', count: 4, lease: null, grows: 3 * MB },
] as const;

it('looks as the screenshots in docs/ show it, in light and dark colours and on a narrow screen', async (context) => {
  if (missingBrowser !== null) return context.skip(missingBrowser);
  const mount = await mountLoop({ type: 'ext4', bytes: 2e9 });
  if ('skipped' in mount) return context.skip(mount.skipped);
  onTestFinished(() => mount.unmount());
  const { url, token, writeDay } = await serveAnAfternoon(mount.dir);
  const browser = await openBrowser();
  onTestFinished(() => browser.close());
  const { page, complaints } = await openPage(browser, url, { timezoneId: 'UTC' });
  await logIn(page, token);
  for (const [name, colorScheme, width, height] of [
    ['page-light', 'light', 1280, 900],
    ['page-dark', 'dark', 1280, 900],
    ['page-narrow', 'light', 380, 800],
  ] as const) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height });
    await writeDay();
    await page.goto('/');
    await page.getByText('needs').first().waitFor();
    await page.locator('.tile.leaf').first().waitFor();
    await page.locator('.mark').first().waitFor();
    await keep(page, name);
    expect(complaints).toEqual([]);
  }
});

/** Writes a screenshot where there is none yet, or where SPICA_SCREENSHOTS asks for new ones: each run's differ by minutes. */
async function keep(page: Page, name: string): Promise<void> {
  const picture = await page.screenshot({ fullPage: true });
  expect(picture.byteLength).toBeGreaterThan(30_000); // an empty page has a tenth
  const path = join(DOCS, `${name}.png`);
  if (process.env['SPICA_SCREENSHOTS'] || !existsSync(path)) await writeFile(path, picture);
}

interface Afternoon {
  readonly url: string;
  readonly token: string;
  writeDay(): Promise<void>;
}

/** Serves a pool on a disk of its own, with the day that it had, and with what is there and waits now. */
async function serveAnAfternoon(disk: string): Promise<Afternoon> {
  const local = await startLocal();
  onTestFinished(() => local.stop());
  const template = join(disk, 'template');
  await mkdir(template);
  await writeFile(join(template, 'VERSION'), '1.4.0\n');
  await writeFile(join(template, 'model.bin'), noise(24 * MB));
  const { bsize, blocks, bavail } = await statfs(disk);
  const redis = await connectProducer({ url: local.url });
  onTestFinished(() => redis.disconnect());
  const day = aDay({ totalBytes: bsize * blocks, availableBytes: bsize * bavail });
  await createCatalog({ redis, pool: 'main' }).saveDiskHistory(day);
  await createCatalog({ redis, pool: 'main' }).saveDiskMarks({ seq: 0, marks: MARKS });

  const stack = await startStack({
    target: { url: local.url },
    root: join(disk, 'pool'),
    templates: { default: template },
    settings: {
      'pools.main.disk.min_free_space_gb': 0.2,
      'pools.main.disk.target_free_gb': 0.35,
      'pools.main.disk.ballast_mb': 1,
      'pools.main.disk.prior_factor': 1.5,
      'pools.main.retention.max_instances': 100,
      'pools.main.retention.keep_after_lease': '0s',
    },
  });
  onTestFinished(() => stack.close());
  const transport = await openRedisTransport({ url: local.url }, { pool: 'main' });
  onTestFinished(() => transport.close());
  const token = await makeToken(stack.redis, 'anna', 'operator');
  const server = await serve(stack.redis, [], { transports: [transport] });
  onTestFinished(() => server.close());

  const by = 'anna';
  for (const { experiment, count, lease, grows } of EXPERIMENTS) {
    const body = {
      count,
      experiment,
      template: 'default',
      ...(lease === null ? {} : { lease, leaseTokenHash: 'ab'.repeat(32) }),
    };
    const { id } = await transport.submit(requestBodySchema.parse(body), { key: null, by });
    const { instances } = await transport.wait(id, { timeoutMs: GRACE_MS });
    for (const [index, { path }] of instances.entries())
      await writeFile(join(path, 'checkpoint.bin'), noise((grows * (index + 1)) / count));
  }
  await transport.sample(null);
  const tooMany = { count: 30, experiment: 'nightly', maxWait: '2h' };
  await transport.submit(requestBodySchema.parse(tooMany), { key: null, by: 'ben' });
  /** The worker first looked while the pool was empty: in its place the day goes on with how it is now. */
  const writeDay = async () => {
    const left = await statfs(disk);
    const now = pointNow(day, left.bsize * left.bavail);
    await createCatalog({ redis, pool: 'main' }).saveDiskHistory([...day, now]);
  };
  return { url: server.url, token, writeDay };
}

function noise(bytes: number): Buffer {
  return randomFillSync(Buffer.alloc(Math.round(bytes)));
}
