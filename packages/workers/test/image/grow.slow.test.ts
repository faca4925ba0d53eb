import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openEvents } from '@spica/queues';
import { execa } from 'execa';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { readAudit } from '../../../../test/support/audit.ts';
import { growInstance } from '../../src/image/grow.ts';
import { chargeOf, type ImageStack, imageStack, sampleOf, spawnOne, write } from './stack.ts';

let image: ImageStack;
beforeEach(async (context) => {
  const made = await imageStack();
  if ('skipped' in made) return context.skip(made.skipped);
  image = made;
});

it('raises the cap of an instance where there is room, at once and by the sum of the gate, and refuses it where there is none', async () => {
  const stack = await image.serve({ 'pools.main.disk.cap': 'reservation' });
  const { id, dir } = await spawnOne(stack);
  const sums = () => stack.ctx.gate.ledger.sums(Date.now());
  const before = sums().growth.bytes;
  const granted = await growInstance(stack.ctx, { id, capBytes: 40e6, otherwise: 'refused' });
  expect(granted).toMatchObject({ granted: true, capBytes: 40e6 });
  expect(granted.sentence).toMatch(
    /^needs [\d.]+ MB \(1 × [\d.]+ MB, beyond its cap of [\d.]+ MB\); .*: admitted$/,
  );
  expect(sums().growth.bytes - before).toBeGreaterThan(30e6);
  expect(await chargeOf(image.pool, id)).toMatchObject({ capBytes: 40e6 });
  expect(await sampleOf(stack, id)).toMatchObject({ capBytes: 40e6 });
  expect(await write(dir, 30)).toBe('');
  const refused = await growInstance(stack.ctx, { id, capBytes: 600e6, otherwise: 'refused' });
  expect(refused).toMatchObject({ granted: false, capBytes: 40e6 });
  expect(refused.sentence).toContain('can never fit');
  expect(await chargeOf(image.pool, id)).toMatchObject({ capBytes: 40e6 });
  // As a job asks that was cut off after the cap was raised.
  const again = await growInstance(stack.ctx, { id, capBytes: 40e6, otherwise: 'refused' });
  expect(again).toMatchObject({ granted: true, sentence: 'its cap is 40.0 MB already' });
  const lines = await readAudit(stack.ctx.audit.path);
  expect(lines.filter(({ action }) => action === 'grow_instance').map(({ outcome }) => outcome)).toEqual([
    'granted',
    'refused',
  ]);
  await expect(growInstance(stack.ctx, { id, capBytes: 30e6, otherwise: 'refused' })).rejects.toMatchObject({
    code: 'CAP_INVALID',
  });
});

it('holds a cap that there is no room to raise for now, and raises it once there is', async () => {
  const stack = await image.serve({
    'pools.main.disk.cap': 'reservation',
    'gate.poll_every': '200ms',
  });
  const { id } = await spawnOne(stack);
  const filler = join(image.site.root, 'somebody-elses');
  await execa('fallocate', ['-l', '300M', filler]);
  const job = (maxWaitMs: number) =>
    stack.queues.sample.add('sample', { pool: 'main', grow: { id, capBytes: 200e6, maxWaitMs } });
  const held = await job(600_000);
  const progress = async () => (await stack.queues.sample.getJob(held.id ?? ''))?.progress;
  await expect.poll(progress).toMatchObject({ phase: 'held', reason: expect.stringContaining('short') });
  const late = await job(0);
  const { events, close } = await openEvents(stack.queues.sample, stack.redis);
  onTestFinished(close);
  expect(await late.waitUntilFinished(events)).toMatchObject({ granted: false });
  expect((await chargeOf(image.pool, id))?.capBytes).toBeLessThan(200e6);
  await rm(filler);
  expect(await held.waitUntilFinished(events)).toMatchObject({ granted: true, capBytes: 200e6 });
  expect(await chargeOf(image.pool, id)).toMatchObject({ capBytes: 200e6 });
  const lines = await readAudit(stack.ctx.audit.path);
  const outcomes = lines.filter(({ action }) => action === 'grow_instance').map(({ outcome }) => outcome);
  expect(outcomes).toEqual(['held', 'refused', 'granted']);
});
