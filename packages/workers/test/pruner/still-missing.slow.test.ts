import { join } from 'node:path';
import { listTrash } from '@spica/pool';
import type { PrunePayload } from '@spica/queues';
import { execa } from 'execa';
import { beforeEach, expect, it, vi } from 'vitest';
import { instancesOnDisk } from '../../../../test/support/pool.ts';
import type { Stack } from '../../../../test/support/stack.ts';
import { useStack } from '../../../../test/support/use-stack.ts';

const POLL = { timeout: 120_000 };
const FLOOR = 100e6;
/** What each instance takes. */
const SIZE = 72e6;
/** What is free beyond the floor and all that is promised, before anything goes. */
const HEADROOM = 10e6;

/** The disk shows what was freed so much later. */
const LATE_MS = 500;

let stack: Stack;
useStack(
  (served) => {
    stack = served;
  },
  {
    'pools.main.disk.check_every': '1h',
    'pools.main.disk.min_free_space_gb': FLOOR / 1e9,
    'pools.main.disk.ballast_mb': 0,
    'pools.main.retention.trash_ttl': '1h',
  },
);

/** Three instances of which each that goes brings back its size, a moment later, whatever the real disk has. */
beforeEach(async () => {
  const { ctx } = stack;
  const { instances } = await stack.spawn({ count: 3 });
  for (const { path } of instances)
    await execa('fallocate', ['-l', String(SIZE), '--', join(path, 'result.bin')]);
  await stack.queues.sample.add('sample', { pool: 'main', ids: instances.map(({ id }) => id) });
  const sizes = async () =>
    (await ctx.catalog.getMany(instances.map(({ id }) => id))).map(
      ({ record }) => record.sample?.ownBytes ?? 0,
    );
  await expect.poll(async () => Math.min(...(await sizes())), POLL).toBeGreaterThanOrEqual(SIZE);
  let [gone, seen, since] = [0, 0, 0];
  vi.spyOn(ctx.gauge, 'read').mockImplementation(async () => {
    const { reserved, growth } = ctx.gate.ledger.sums(ctx.clockGuard.now());
    const now = 3 - (await instancesOnDisk(ctx.pool)).length - (await listTrash(ctx.pool)).length;
    if (now !== seen) [seen, since] = [now, performance.now()];
    if (performance.now() - since > LATE_MS) gone = seen;
    const availableBytes = FLOOR + reserved.bytes + growth.bytes + HEADROOM + gone * SIZE;
    return { availableBytes, totalBytes: 1e12, freeInodes: null, totalInodes: null };
  });
});

/** Has room made for requests that were all decided before any of it: each knows of its own shortage alone. */
async function makeRoom(...needs: readonly number[]): Promise<void> {
  const { ctx, queues } = stack;
  await Promise.all([queues.prune.pause(), queues.gate.pause()]);
  const jobs = await Promise.all(
    needs.map(async (bytes, i) => {
      const need = { bytes, inodes: 1, slots: 1 };
      const request = `r${i}`;
      ctx.gate.reclaims.set(request, { wakes: 0, need, isMade: false });
      const shortfall = { bytes: bytes - HEADROOM, inodes: 0, slots: 0 };
      const data: PrunePayload = {
        pool: 'main',
        cause: 'request',
        request,
        from: null,
        need,
        shortfall,
      };
      await queues.gate.add('request', {}, { jobId: request }); // it has not ended
      return queues.prune.add('prune', data);
    }),
  );
  await queues.prune.resume();
  for (const job of jobs) await expect.poll(() => job.getState(), POLL).toBe('completed');
}

it('has no more go than all who wait need together, where one that goes is enough for them', async () => {
  await makeRoom(30e6, 25e6, 20e6);
  expect(await instancesOnDisk(stack.ctx.pool)).toHaveLength(2);
});

it('has as many go as they need together', async () => {
  await makeRoom(60e6, 60e6);
  expect(await instancesOnDisk(stack.ctx.pool)).toHaveLength(1);
});

it('has nothing go for pressure that is over by then', async () => {
  const data: PrunePayload = {
    pool: 'main',
    cause: 'pressure',
    shortfall: { bytes: 50e6, inodes: 0, slots: 0 },
  };
  const { reserved, growth } = stack.ctx.gate.ledger.sums(stack.ctx.clockGuard.now());
  vi.spyOn(stack.ctx.gauge, 'read').mockResolvedValue({
    availableBytes: 2 * FLOOR + reserved.bytes + growth.bytes,
    totalBytes: 1e12,
    freeInodes: null,
    totalInodes: null,
  });
  const job = await stack.queues.prune.add('prune', data);
  await expect.poll(() => job.getState(), POLL).toBe('completed');
  expect(await instancesOnDisk(stack.ctx.pool)).toHaveLength(3);
});
