import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { OversizeView } from '../../src/index.ts';
import type { Serve } from './serve.ts';

const TOO_LARGE_BYTES = 4e6;

/** What a client hears of instances that become too large; of caps, which take an image, packages/workers/test/image tells. */
export function testOversize(serve: Serve): void {
  it('is told of each of its leased instances that becomes too large, each time, and of no other', async () => {
    const { spica } = await serve({ 'pools.main.disk.max_instance_gb': 0.003, 'sample.every': '1h' });
    const heard: OversizeView[] = [];
    spica.on('oversize', (instance) => heard.push(instance));
    const request = await spica.spawn({ count: 2, lease: '1h' });
    const { instances } = await request.ready();
    const notHeld = (await (await spica.spawn({ count: 1 })).ready()).instances;
    const fill = async ({ id, path }: { id: string; path: string }) => {
      await writeFile(join(path, 'results'), randomBytes(TOO_LARGE_BYTES));
      await spica.instances.sample([id]);
    };
    const [large, small] = instances;
    const [others] = notHeld;
    if (!large || !small || !others) throw new Error('not all of them came up');
    await fill(others);
    await fill(large);
    const told = { id: large.id, request: request.id, atCap: false, capBytes: null };
    await expect.poll(() => heard).toMatchObject([told]);
    expect(await spica.instances.oversize({ request: request.id })).toMatchObject([told]);
    expect(heard[0]?.ownBytes).toBeGreaterThanOrEqual(TOO_LARGE_BYTES);
    for await (const event of request) {
      expect(event).toEqual({
        phase: 'ready',
        reason: `2 spawned; ${large.id} is too large`,
        oversize: [large.id],
      });
    }
    const lease = await spica.instances.lease(others.id, { lease: '1h' }); // and is told of what is so already
    await expect.poll(() => heard.at(-1)?.id).toBe(others.id);
    await rm(join(large.path, 'results'));
    await spica.instances.sample([large.id]);
    await fill(small); // a look in between has seen that the other is no longer
    await expect.poll(() => heard.at(-1)?.id).toBe(small.id);
    await fill(large);
    await expect.poll(() => heard.map(({ id }) => id)).toEqual([large.id, others.id, small.id, large.id]);
    await lease.release();
  });
}
