import { readdir } from 'node:fs/promises';
import { ensureMounted, readChargesNow } from '@spica/pool';
import type { PrunePayload } from '@spica/queues';
import { expect, it } from 'vitest';
import { instancesOnDisk } from '../../../../test/support/pool.ts';
import { imageStack } from './stack.ts';

const SETTINGS = {
  'concurrency.spawn': 4,
  'pools.main.retention.max_instances': 1_000,
  'pools.main.retention.trash_ttl': '0s',
  'pools.main.disk.prior_factor': 1,
  'pools.main.disk.max_instance_gb': 0.1,
};

/** Each look lists a thousand, or starts a `sync` and waits for the disk. */
const RARELY = { interval: 1_000 };

/** Two minutes on a slow machine, and ten times as long where others use it too. */
const DEADLINE = { timeout: 1_800_000 };

it(
  'holds 1,000 snapshots: spawns, sizes, deletion of 500, unmount, remount, start',
  DEADLINE,
  async (context) => {
    const image = await imageStack({ bytes: 2e9, template: { files: 20, bytes: 10_000 } });
    if ('skipped' in image) return context.skip(image.skipped);
    const { pool } = image;
    const first = await image.serve(SETTINGS);
    const requests = await Promise.all([1, 2, 3, 4].map(() => first.spawn({ count: 250 })));
    expect(requests.flatMap(({ instances }) => instances)).toHaveLength(1_000);
    const sizes = async () => [...((await readChargesNow(pool.paths.root))?.byInstance.values() ?? [])];
    expect(await sizes()).toHaveLength(1_000);
    expect((await sizes()).every(({ bytes, capBytes }) => bytes > 0 && capBytes === 100e6)).toBe(true);
    const measured = async () => {
      let count = 0;
      for await (const { record } of first.ctx.catalog.list())
        count += Number(record.sample?.capBytes === 100e6);
      return count;
    };
    await expect.poll(measured, RARELY).toBe(1_000);

    const data: PrunePayload = { pool: 'main', cause: 'operator', maxInstances: 500, maxAgeMs: null };
    await first.queues.prune.add('prune', data);
    await expect.poll(async () => (await instancesOnDisk(pool)).length).toBe(500);
    await expect.poll(() => readdir(pool.paths.trash)).toEqual([]);
    await expect.poll(async () => (await sizes()).length, RARELY).toBe(500);
    await first.close();

    await image.unmount();
    await ensureMounted({ name: 'main', root: pool.paths.root });
    const second = await image.serve(SETTINGS);
    expect(await second.ctx.catalog.count()).toBe(500);
    expect((await second.spawn()).instances).toHaveLength(1);
  },
);
