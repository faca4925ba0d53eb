import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { progressOf } from '@spica/queues';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { mountLoop } from '../../../../test/support/mount.ts';
import { instancesOnDisk } from '../../../../test/support/pool.ts';
import { type LocalRedis, startLocal } from '../../../../test/support/redis.ts';
import { type Stack, startStack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { createQuota } from '../../src/pressure/quota.ts';

const MB = 1_000_000;

let dir: string;
let redis: LocalRedis;
let stack: Stack | undefined;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-ceiling-'));
  redis = await startLocal();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await stack?.close();
});
afterAll(async () => {
  await redis.stop();
  await rm(dir, { recursive: true });
});

async function serve(
  pool: string,
  settings: Readonly<Record<string, unknown>>,
  root?: string,
): Promise<Stack> {
  const template = await makeTemplate(join(dir, pool), { files: 10, bytes: MB });
  const of = (key: string) => `pools.${pool}.${key}`;
  const all = { 'disk.prior_factor': 1, 'disk.safety_factor': 1, 'disk.ballast_mb': 0, ...settings };
  const served = await startStack({
    pool,
    target: { url: redis.url },
    templates: { default: template },
    ...(root === undefined ? {} : { root }),
    settings: {
      'gate.poll_every': '200ms',
      'sample.every': '1s',
      ...Object.fromEntries(Object.entries(all).map(([key, value]) => [of(key), value])),
    },
  });
  stack = served;
  return served;
}

const reasonOf = async (id: string) => progressOf((await stack?.queues.gate.getJob(id))?.progress)?.reason;
const lease = { owner: 'o', tokenHash: '0'.repeat(64), ms: 3_600_000 };

it('holds what would take the pool beyond disk.max_pool_gb, counts trash and templates, and makes room below it', async () => {
  const { ctx, spawn, submit } = await serve('ceiling', { 'disk.max_pool_gb': 0.045 });
  const [first] = (await spawn({ count: 1 })).instances; // 10 MB, besides the snapshot of 10 MB
  await spawn({ count: 2, lease });
  await expect
    .poll(async () => (await ctx.catalog.get(first?.id ?? ''))?.record.sample, { timeout: 120_000 })
    .toBeTruthy();
  await spawn({ lease }); // 40 MB are there: the one that nobody leased goes for it, for good
  expect(await instancesOnDisk(ctx.pool)).toHaveLength(3);
  expect(await instancesOnDisk(ctx.pool)).not.toContain(first?.id);
  const held = await submit();
  await expect
    .poll(() => reasonOf(held))
    .toMatch(/ available under disk\.max_pool_gb − 0\.0 reserved − .* short\. 1 lease ends within/);
  const never = spawn({ count: 5 });
  await expect(never).rejects.toMatchObject({
    code: 'NEVER_FITS',
    message: expect.stringContaining('there are 45.0 MB under disk.max_pool_gb'),
  });
});

it('waits after a disk quota was met, by which it reckons for a minute, and goes on when there is room again', async (context) => {
  const mounted = await mountLoop({ type: 'btrfs', bytes: 500 * MB });
  if ('skipped' in mounted) return context.skip(mounted.skipped);
  await execa('btrfs', ['quota', 'enable', mounted.dir]);
  try {
    const { ctx, spawn, submit } = await serve('quota', {}, join(mounted.dir, 'pool'));
    await spawn();
    await execa('sync', ['-f', mounted.dir]);
    const limit = (bytes: string) => execa('btrfs', ['qgroup', 'limit', bytes, '0/5', mounted.dir]);
    await limit('50000'); // of what does not lie in an instance: records, for one
    const id = await submit();
    await expect.poll(() => reasonOf(id)).toMatch(/ available under the disk quota that a write has met − /);
    expect(await instancesOnDisk(ctx.pool)).toHaveLength(1);
    expect(ctx.gate.limits.breaker.failures).toBe(0);
    await limit('none');
    vi.spyOn(ctx.quota, 'metAt').mockReturnValue(null); // a minute later
    await expect.poll(() => instancesOnDisk(ctx.pool)).toHaveLength(2);
    await stack?.close();
    stack = undefined;
  } finally {
    await mounted.unmount();
  }
});

it('forgets a quota that was met after a minute', () => {
  let now = 1_000_000;
  const quota = createQuota({ now: () => now });
  expect(quota.metAt()).toBeNull();
  quota.meet(5);
  now += 59_999;
  expect(quota.metAt()).toBe(5);
  now += 1;
  expect(quota.metAt()).toBeNull();
});
