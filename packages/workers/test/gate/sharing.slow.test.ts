import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSpace } from '@spica/pool';
import { gatePayloadSchema, progressOf } from '@spica/queues';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Mount, mountTmpfs } from '../../../../test/support/mount.ts';
import { startLocal } from '../../../../test/support/redis.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { previewAdmission, type ServedContext } from '../../src/index.ts';
import { makePools, type Place, type Serving, servePools } from '../serve.ts';

/** A machine whose cores are all busy takes its time. */
const POLL = { timeout: 120_000 };
const FLOOR_BYTES = 10e6;
const REQUESTS = 4;

let disk: Mount;
let server: Awaited<ReturnType<typeof startLocal>>;
let dir: string;
let template: string;
let serving: Serving[];
beforeEach(async (context) => {
  serving = [];
  disk = await mountTmpfs({ bytes: 80e6 });
  if ('skipped' in disk) return context.skip(disk.skipped);
  server = await startLocal();
  dir = await mkdtemp(join(tmpdir(), 'spica-sharing-'));
  template = await makeTemplate(join(dir, 'template'), { files: 4, bytes: 1_000_000 });
});
afterEach(async () => {
  if ('skipped' in disk) return;
  await Promise.all(serving.map(({ runtime }) => runtime.close()));
  await server.stop();
  await rm(dir, { recursive: true });
  await disk.unmount();
});

/** Makes pools on the one disk. */
async function make(...pools: string[]): Promise<Place> {
  if ('skipped' in disk) throw new Error(disk.skipped);
  const on = disk.dir;
  const place: Place = {
    dir: await mkdtemp(join(dir, 'process-')),
    url: server.url,
    roots: Object.fromEntries(pools.map((name) => [name, join(on, name)])),
    template,
    ofPools: {
      'disk.min_free_space_gb': FLOOR_BYTES / 1e9,
      'retention.max_instances': 50,
      'retention.prune_on_spawn': false,
    },
    settings: { 'gate.poll_every': '10m', 'gate.barrier_after': '1h' }, // whoever is served was woken
  };
  await makePools(place);
  return place;
}

/** Serves pools as one process does, and spawns an instance in each. */
async function serve(place: Place): Promise<Serving> {
  const served = await servePools(place);
  serving.push(served);
  for (const pool of Object.keys(place.roots))
    await untilState(served.of(pool), await served.submit(pool), 'completed');
  return served;
}

async function untilState({ queues }: ServedContext, id: string, state: string): Promise<void> {
  await expect.poll(() => queues.gate.getJobState(id), POLL).toBe(state);
}

/** Cancels a request whose spawns were kept from beginning. */
async function cancel(ctx: ServedContext, id: string): Promise<void> {
  const { life } = gatePayloadSchema.parse((await ctx.queues.gate.getJob(id))?.data);
  await ctx.catalog.cancel(id, life);
  await ctx.queues.spawn.resume();
  await untilState(ctx, id, 'failed');
}

/** What the process of a pool has reserved on its filesystem. */
function reservedBy({ gate }: ServedContext) {
  const { reserved, growth } = gate.filesystem.totals;
  return {
    bytes: reserved.size.bytes + growth.size.bytes,
    inodes: reserved.size.inodes + growth.size.inodes,
  };
}

/** What a request for one instance would need, and what there is for it. */
async function sumOf(ctx: ServedContext) {
  const asked = { template: 'default', count: 1, experiment: null, replicas: null };
  const { need, headroom } = await previewAdmission(ctx, asked);
  return { need: need.bytes, headroom: headroom.bytes };
}

it('two pools of a process on one filesystem reserve each byte once', async () => {
  const { of, submit } = await serve(await make('a', 'b'));
  const [a, b] = [of('a'), of('b')];
  const { need, headroom } = await sumOf(a);
  const fit = Math.floor(headroom / need);
  expect(fit).toBeGreaterThan(1);
  expect(fit).toBeLessThan(2 * REQUESTS);
  for (const { queues } of [a, b]) await queues.spawn.pause();
  const submitted = ['a', 'b'].flatMap((pool) => Array.from({ length: REQUESTS }, () => pool));
  const ids = await Promise.all(submitted.map((pool) => submit(pool)));
  const states = () => Promise.all(ids.map((id, i) => of(submitted[i] ?? '').queues.gate.getJobState(id)));
  const counts = async () => {
    const all = await states();
    return ['waiting-children', 'delayed'].map((state) => all.filter((each) => each === state).length);
  };
  await expect.poll(counts, POLL).toEqual([fit, 2 * REQUESTS - fit]);
  expect(a.gate.ledger.sums(0).reserved.bytes).toBe(fit * need);
  expect(b.gate.ledger.sums(0).reserved.bytes).toBe(fit * need);
  for (const { queues } of [a, b]) await queues.spawn.resume();
  const completed = async () => (await states()).filter((state) => state === 'completed').length;
  await expect.poll(completed, POLL).toBeGreaterThanOrEqual(fit);
  expect((await readSpace(a.pool.paths.root)).availableBytes).toBeGreaterThanOrEqual(FLOOR_BYTES);
  expect(a.gate.filesystem.totals.elsewhere).toEqual({ bytes: 0, inodes: 0 });
});

it('what one pool of a process frees on a filesystem, a request of another is woken for', async () => {
  const { of, submit } = await serve(await make('a', 'b'));
  const [a, b] = [of('a'), of('b')];
  const { need, headroom } = await sumOf(a);
  await a.queues.spawn.pause();
  const first = await submit('a', { count: Math.floor(headroom / need) });
  await untilState(a, first, 'waiting-children');
  const second = await submit('b');
  await untilState(b, second, 'delayed');
  await cancel(a, first);
  await untilState(b, second, 'completed');
});

it('two processes on one filesystem that share a Redis leave each other what they have published', async () => {
  const [first, second] = [await serve(await make('a')), await serve(await make('b'))];
  const [a, b] = [first.of('a'), second.of('b')];
  await a.queues.spawn.pause();
  const theirs = await first.submit('a', { count: 2 });
  await untilState(a, theirs, 'waiting-children');
  const { reserved } = a.gate.filesystem.totals;
  await expect.poll(() => b.gate.filesystem.totals.elsewhere, POLL).toEqual(reservedBy(a));

  const { need, headroom } = await sumOf(b);
  const count = Math.floor((headroom + reserved.size.bytes) / need); // as many as fit without what they have reserved
  const mine = await second.submit('b', { count });
  await untilState(b, mine, 'delayed');
  expect(progressOf((await b.queues.gate.getJob(mine))?.progress)).toMatchObject({ phase: 'held' });
  await cancel(a, theirs);
  await untilState(b, mine, 'completed');
});

it('a process that serves a pool again takes the place of the one before, and is not counted beside it', async () => {
  const place = await make('a');
  const [first, second] = [await serve(place), await serve(await make('b'))];
  await first.of('a').queues.spawn.pause();
  const id = await first.submit('a');
  await untilState(first.of('a'), id, 'waiting-children');
  await first.runtime.close();
  const again = await servePools(place);
  serving = [again, second];
  const [a, b] = [again.of('a'), second.of('b')];
  expect(a.gate.ledger.requests).toEqual([id]);
  await expect.poll(() => a.gate.filesystem.totals.elsewhere).toEqual(reservedBy(b));
  await a.queues.spawn.resume();
  await untilState(a, id, 'completed');
  await expect.poll(() => b.gate.filesystem.totals.elsewhere).toEqual(reservedBy(a));
});
