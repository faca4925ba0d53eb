import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckError } from '@spica/core';
import { expect, it, onTestFinished } from 'vitest';
import { readAudit } from '../../../../test/support/audit.ts';
import { administer } from '../../../../test/support/image.ts';
import { type Mounted, mountLoop } from '../../../../test/support/mount.ts';
import { startLocal } from '../../../../test/support/redis.ts';
import { type Stack, startStack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { chargeOf, write } from './stack.ts';

const HARD = {
  'pools.main.disk.hard_cap': true,
  'pools.main.disk.max_instance_gb': 0.02,
  'pools.main.disk.check_every': '200ms',
};

interface Own {
  readonly disk: Mounted;
  serve(settings: Readonly<Record<string, unknown>>): Promise<Stack>;
}

/** A btrfs of the user's own, with a template beside it; or why there is none here. */
async function ownBtrfs(): Promise<Own | { readonly skipped: string }> {
  const disk = await mountLoop({ type: 'btrfs', bytes: 512e6 });
  if ('skipped' in disk) return disk;
  onTestFinished(() => disk.unmount());
  const server = await startLocal();
  onTestFinished(() => server.stop());
  const templates = { default: await makeTemplate(join(disk.dir, 'template')) };
  return {
    disk,
    async serve(settings) {
      const root = join(disk.dir, 'pool');
      const stack = await startStack({ target: { url: server.url }, root, templates, settings });
      let closed = false;
      const close = async () => {
        if (!closed) await stack.close();
        closed = true;
      };
      onTestFinished(close);
      return { ...stack, close };
    },
  };
}

it("caps instances on a btrfs of the user's own where that is allowed, and leaves the user's own groups alone", async (context) => {
  const own = await ownBtrfs();
  if ('skipped' in own) return context.skip(own.skipped);
  const before = await own.serve({ ...HARD, 'pools.main.disk.hard_cap': false });
  const [uncapped = { id: '', path: '' }] = (await before.spawn()).instances;
  expect(await chargeOf(before.ctx.pool, uncapped.id)).toBeNull();
  await before.close();

  const stack = await own.serve(HARD);
  await administer('btrfs', 'qgroup', 'create', '1/100', own.disk.dir);
  const [greedy = { id: '', path: '' }] = (await stack.spawn()).instances;
  expect(await chargeOf(stack.ctx.pool, greedy.id)).toMatchObject({ capBytes: 20e6 });
  expect(await write(greedy.path, 50)).toBe('Disk quota exceeded');
  expect(await write(uncapped.path, 50)).toBe(''); // it was there before
  const stopped = async () =>
    (await readAudit(stack.ctx.audit.path)).filter(({ outcome }) => outcome === 'at its cap');
  await expect.poll(stopped).toMatchObject([{ action: 'oversize', instance: greedy.id }]);
  await rm(join(greedy.path, 'written'));

  await stack.queues.prune.add('prune', {
    pool: 'main',
    cause: 'operator',
    maxInstances: 1,
    maxAgeMs: null,
  });
  await expect.poll(() => stack.ctx.catalog.count()).toBe(1);
  const { stdout } = await administer('btrfs', 'qgroup', 'show', '--raw', own.disk.dir);
  expect(stdout).toMatch(/^1\/100\s/m);
});

it('is refused where nobody would keep the cap: on a disk that is no btrfs, and beside quotas of the older kind', async (context) => {
  const own = await ownBtrfs();
  if ('skipped' in own) return context.skip(own.skipped);
  await administer('btrfs', 'quota', 'enable', own.disk.dir);
  await expect(own.serve(HARD)).rejects.toMatchObject({ code: 'QUOTAS_OTHER' });
  const ext4 = await mountLoop({ type: 'ext4', bytes: 100e6 });
  if ('skipped' in ext4) return context.skip(ext4.skipped);
  onTestFinished(() => ext4.unmount());
  const server = await startLocal();
  onTestFinished(() => server.stop());
  const refused = startStack({
    target: { url: server.url },
    root: join(ext4.dir, 'pool'),
    templates: { default: await makeTemplate(join(ext4.dir, 'template')) },
    settings: HARD,
  });
  await expect(refused).rejects.toSatisfy(
    (error: CheckError) =>
      error.code === 'CONFIG_INVALID' && /hard_cap: expected false, got true/.test(error.message),
  );
});
