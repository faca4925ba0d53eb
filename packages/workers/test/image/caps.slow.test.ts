import { lstat, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nullIfMissing } from '@spica/core';
import { emptyTrash, ensureMounted, listTrash, restoreFromTrash, trashInstance } from '@spica/pool';
import { execa } from 'execa';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { readAudit } from '../../../../test/support/audit.ts';
import { type Stack, startStack } from '../../../../test/support/stack.ts';
import { type OversizeView, Spica } from '../../../client/src/index.ts';
import { readCandidates } from '../../src/pruner/candidates.ts';
import { reconcile } from '../../src/reconciler/reconcile.ts';
import { chargeOf, type ImageStack, imageStack, type Spawned, sampleOf, spawnOne, write } from './stack.ts';

const CAPPED = { 'pools.main.disk.max_instance_gb': 0.02 };

let image: ImageStack;
beforeEach(async (context) => {
  const made = await imageStack();
  if ('skipped' in made) return context.skip(made.skipped);
  image = made;
});

/** As if it had been measured twice, and had not changed between. */
async function settle({ ctx }: Stack, id: string): Promise<void> {
  const at = Date.now();
  const sizes = { allocatedBytes: 0, apparentBytes: 0, ownBytes: 0, inodes: 0 };
  await ctx.catalog.recordSample(id, { at, changedAt: at - 1, ...sizes, capBytes: 20e6 }, at + 3_600_000, []);
}

it('stops an instance at its cap and no other, and says so in the audit log, the catalog and to listeners', async () => {
  const stack = await image.serve(CAPPED);
  const heard: string[] = [];
  await stack.ctx.catalog.onChange(({ kind, of }) => heard.push(`${kind} ${of}`));
  const spica = await Spica.connect({ redisUrl: image.target.url });
  onTestFinished(() => spica.close());
  const told: OversizeView[] = [];
  spica.on('oversize', (instance) => told.push(instance));
  const request = await spica.spawn({ count: 2, lease: '1h' });
  const [one, other] = (await request.ready()).instances;
  if (!one || !other) throw new Error('not both came up');
  const [greedy, modest] = [one, other].map(({ id, path: dir }) => ({ id, dir })) as [Spawned, Spawned];
  const [refusal, none] = await Promise.all([write(greedy.dir, 50), write(modest.dir, 10)]);
  expect([refusal, none]).toEqual(['Disk quota exceeded', '']);
  expect((await chargeOf(image.pool, greedy.id))?.bytes).toBeLessThanOrEqual(20e6);
  await expect.poll(() => heard).toContain(`oversize ${greedy.id}`);
  await expect.poll(() => told).toMatchObject([{ id: greedy.id, atCap: true, capBytes: 20e6 }]);
  for await (const event of request) expect(event.reason).toBe(`2 spawned; ${greedy.id} is at its cap`);
  await expect.poll(async () => (await stack.ctx.gateView.read())?.atCap).toBe(1);
  const lines = await readAudit(join(stack.config.stateDir, 'audit.jsonl'));
  expect(lines.filter(({ action }) => action === 'oversize')).toMatchObject([
    {
      instance: greedy.id,
      outcome: 'at its cap',
      reason: expect.stringMatching(/MB, its cap is 20.0 MB: the kernel refuses what it writes/),
    },
  ]);
  expect(await sampleOf(stack, greedy.id)).toMatchObject({ capBytes: 20e6 });
  await rm(join(greedy.dir, 'written')); // allowed at the cap, unlike emptying it
  await expect.poll(() => heard).toContain(`unoversize ${greedy.id}`);
});

it('says so of one, too, that is deleted before anybody has looked', async () => {
  const stack = await image.serve({
    ...CAPPED,
    'pools.main.disk.check_every': '1h',
    'pools.main.retention.max_instances': 1,
  });
  const { id, dir } = await spawnOne(stack);
  await settle(stack, id);
  expect(await write(dir, 50)).toBe('Disk quota exceeded');
  await stack.spawn(); // in its place
  const oversize = async () =>
    (await readAudit(stack.ctx.audit.path)).filter(({ action }) => action === 'oversize');
  await expect.poll(oversize).toMatchObject([
    {
      instance: id,
      outcome: 'at its cap',
      reason: expect.stringMatching(/^[\d.]+ MB, its cap is 20.0 MB: the kernel refuses what it writes$/),
    },
  ]);
});

it('knows within seconds what every instance has written, to the byte, though nobody asked for a sample', async () => {
  const stack = await image.serve({ 'sample.every': '1h' });
  const { id, dir } = await spawnOne(stack);
  await expect.poll(async () => (await sampleOf(stack, id))?.capBytes).toBeNull();
  await write(dir, 30);
  const own = async () => (await sampleOf(stack, id))?.ownBytes ?? 0;
  await expect.poll(own).toBeGreaterThanOrEqual(30 * 2 ** 20);
  expect((await own()) - 30 * 2 ** 20).toBeLessThan(256 * 1024); // its own files, and the tree's nodes
});

it('counts subvolumes that are made in an instance towards its cap, and deletes it at its cap with all of them', async () => {
  const stack = await image.serve(CAPPED);
  const { id, dir } = await spawnOne(stack);
  const nested = join(dir, 'made/inside');
  await execa('mkdir', [join(dir, 'made')]);
  await execa('btrfs', ['subvolume', 'create', nested]);
  expect(await write(nested, 50)).toBe('Disk quota exceeded');
  expect(await chargeOf(image.pool, id)).toMatchObject({ capBytes: 20e6 });
  const note = { reason: 'test', request: null, bytes: null, record: null, failure: null };
  const entry = await trashInstance(stack.ctx.pool, id, { at: Date.now(), note });
  if (!entry) throw new Error('it was not there');
  expect(await emptyTrash(entry)).toBe(true);
  expect(await listTrash(stack.ctx.pool)).toEqual([]);
});

it('keeps a cap over restart, remount, the trash, and the loss of catalog and record', async () => {
  const first = await image.serve(CAPPED);
  const { id, dir } = await spawnOne(first);
  const note = { reason: 'test', request: null, bytes: null, record: null, failure: null };
  const entry = await trashInstance(first.ctx.pool, id, { at: Date.now(), note });
  if (!entry) throw new Error('it was not there');
  await restoreFromTrash(first.ctx.pool, entry);
  await first.close();
  await image.unmount();
  await ensureMounted({ name: 'main', root: image.site.root });
  await image.flush();
  await rm(join(image.pool.paths.records, `${id}.json`));
  const second = await image.serve(); // whose config knows of no cap any more
  await reconcile(second.ctx, { starting: false });
  await expect.poll(async () => (await sampleOf(second, id))?.capBytes).toBe(20e6);
  expect(await write(dir, 50)).toBe('Disk quota exceeded');
});

it('caps each instance at what was reserved for it, counts on no less, and says so', async () => {
  const stack = await image.serve({
    'pools.main.disk.cap': 'reservation',
    'pools.main.disk.safety_factor': 2,
  });
  const { id, dir } = await spawnOne(stack);
  const record = (await stack.ctx.catalog.get(id))?.record;
  const cap = record?.predicted?.bytes ?? 0;
  expect(cap).toBe(2 * 4 * 2 ** 20); // the least that can be capped
  expect((await chargeOf(image.pool, id))?.capBytes).toBe(cap);
  expect(await write(dir, 50)).toBe('Disk quota exceeded');
  await rm(join(dir, 'written')); // it has room again, and may take it at any time
  await expect.poll(async () => (await sampleOf(stack, id))?.ownBytes ?? cap).toBeLessThan(cap / 2);
  await expect
    .poll(() => {
      const counted = stack.ctx.gate.ledger.instance(id);
      return counted && counted.ownBytes + counted.growth.bytes;
    })
    .toBe(cap);
  const counted = () => stack.ctx.gate.ledger.instance(id)?.growth;
  expect(counted()?.endsAt).toBe(Number.POSITIVE_INFINITY);
  const { policy } = stack.ctx;
  const quiet = { ...stack.ctx, policy: { ...policy, disk: { ...policy.disk, growthWindowMs: 0 } } };
  const candidate = async () => (await Array.fromAsync(readCandidates(quiet, quiet.catalog)))[0];
  // Expected or not, its deletion ends it. Polled: its size may be measured anew between the two.
  await expect.poll(async () => (await candidate())?.growth.bytes === counted()?.bytes).toBe(true);
});

it('refuses to serve a pool that is in no image with caps that nobody would keep', async () => {
  const { target, template } = image;
  const settings = { 'pools.main.disk.cap': 'reservation' };
  await expect(startStack({ target, templates: { default: template }, settings })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('pools.main.disk.cap: expected max, got "reservation"'),
  });
});

it('keeps a prepared snapshot until its last clone is gone, and then forgets what was charged to the clone', async () => {
  const stack = await image.serve({ 'pools.main.retention.trash_ttl': '0s' });
  const { id } = await spawnOne(stack);
  const { fingerprint } = (await stack.ctx.catalog.get(id))?.record ?? {};
  await writeFile(join(image.template, 'VERSION'), '2.0.0\n');
  await spawnOne(stack);
  const { templates, pool, clock } = stack.ctx;
  const snapshot = join(pool.paths.templates, `default-${fingerprint?.slice(0, 16)}`);
  const isThere = async () => (await nullIfMissing(lstat(snapshot))) !== null;
  const now = vi.spyOn(clock, 'now').mockReturnValue(Date.now() + 120_000); // it was handed out a minute ago
  onTestFinished(() => now.mockRestore());
  await templates.sweep(new Set());
  expect(await isThere()).toBe(true);
  const note = { reason: 'test', request: null, bytes: null, record: null, failure: null };
  const entry = await trashInstance(pool, id, { at: Date.now(), note });
  if (!entry) throw new Error('it was not there');
  await emptyTrash(entry);
  await stack.ctx.catalog.endDelete(id, 'gone', null);
  stack.ctx.gate.ledger.remove(id);
  await expect.poll(() => chargeOf(pool, id)).toBeNull();
  // A subvolume that was deleted is known to the kernel until its cleaner has come to it.
  const isThereAfterSweep = async () => {
    await templates.sweep(new Set());
    return isThere();
  };
  await expect.poll(isThereAfterSweep).toBe(false);
});
