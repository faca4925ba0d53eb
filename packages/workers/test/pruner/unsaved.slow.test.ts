import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PoolConfig, systemClock } from '@spica/core';
import { findUnsavedWork } from '@spica/pool';
import type { PrunePayload, PruneResult } from '@spica/queues';
import type { Job } from 'bullmq';
import { execa } from 'execa';
import { beforeEach, expect, it, vi } from 'vitest';
import { readAudit } from '../../../../test/support/audit.ts';
import { instancesOnDisk } from '../../../../test/support/pool.ts';
import type { Stack } from '../../../../test/support/stack.ts';
import { useStack } from '../../../../test/support/use-stack.ts';
import { resultsOf } from '../../src/collector/results.ts';
import { previewOfflinePrune, pruneOffline } from '../../src/offline/prune.ts';
import { catalogInventory } from '../../src/pruner/inventory.ts';
import { planPrune } from '../../src/pruner/plan.ts';
import { createPruner } from '../../src/pruner/processor.ts';
import { takeOut } from '../../src/pruner/remove.ts';
import { restoreInstance } from '../../src/pruner/restore.ts';

vi.mock('@spica/pool', async (original) => {
  const pool = await original<typeof import('@spica/pool')>();
  return { ...pool, findUnsavedWork: vi.fn(pool.findUnsavedWork) };
});
const looks = vi.mocked(findUnsavedWork);

const MOST = 8;
let stack: Stack;
useStack(
  (served) => {
    stack = served;
  },
  { 'pools.main.retention.max_instances': MOST, 'pools.main.retention.trash_ttl': '1h' },
);

const git = (cwd: string, ...args: string[]) =>
  execa('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd });

/** The template is a repository with nothing on a remote, and a file that was never added. */
beforeEach(async () => {
  looks.mockClear();
  const template = policy().templates['default']?.path ?? '';
  await git(template, 'init', '-q');
  await git(template, 'add', '-A');
  await git(template, 'commit', '-qm', 'begin');
  await writeFile(join(template, 'untracked'), 'x');
});

const policy = () => stack.config.pools['main'] as PoolConfig;
const change = (id: string) => writeFile(join(stack.ctx.pool.pathOf(id), 'new'), 'x');
const deletion = () => ({
  ...stack.ctx,
  inventory: catalogInventory(stack.ctx),
  results: resultsOf(stack.ctx),
});
const looked = () => looks.mock.calls.map(([, { id }]) => id);

/** Instances, oldest first. */
async function spawnAll(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i += 1) ids.push((await stack.spawn()).instances[0]?.id ?? '');
  looks.mockClear();
  return ids;
}

function prune(payload: Omit<Extract<PrunePayload, { cause: 'operator' }>, 'pool' | 'cause'>) {
  const job = { id: 'test', data: { pool: 'main', cause: 'operator', ...payload } } as unknown as Job;
  return createPruner(stack.ctx)(job, 'token', new AbortController().signal) as Promise<PruneResult>;
}

const ONE = { maxInstances: 1, maxAgeMs: null };

it('a request gets its room from the next ones; only what would go is looked at', async () => {
  const ids = await spawnAll(MOST);
  const [first = '', second = '', third = ''] = ids;
  await change(first);
  await change(second);
  const { instances } = await stack.spawn();
  expect(await instancesOnDisk(stack.ctx.pool)).toEqual(
    [...ids.filter((id) => id !== third), instances[0]?.id].sort(),
  );
  // Once for the gate's plan, which serves the pruner's too, and right before the one that went.
  expect(looked()).toEqual([first, second, third, third]);
  expect((await stack.ctx.catalog.get(first))?.unsaved).toBe('1 file changed since the spawn');
  const lines = await readAudit(stack.ctx.audit.path);
  const gone = lines.filter(({ action, outcome }) => action === 'delete_instance' && outcome === 'trashed');
  expect(gone.map(({ instance }) => instance)).toEqual([third]);
});

it('a plan says what would be lost, and the catalog does for those who list instances', async () => {
  const [first = '', second = ''] = await spawnAll(3);
  await change(first);
  const plan = await planPrune(stack.ctx, { pool: 'main', cause: 'operator', ...ONE });
  const verdict = { rule: 'unsaved-work', reason: '1 file changed since the spawn' };
  expect(plan.items[0]).toMatchObject({ id: first, action: 'keep', ...verdict });
  expect(plan.deletes.map(({ id }) => id)).not.toContain(first);
  expect((await stack.ctx.catalog.get(first))?.unsaved).toBeNull(); // a plan changes nothing
  const { pruned } = await prune(ONE);
  expect(pruned.map(({ id }) => id)).toContain(second);
  expect((await stack.ctx.catalog.get(first))?.unsaved).toBe(verdict.reason);
});

it('it goes when it is pushed, or when its owner discards it', async () => {
  const [pushed = '', discarded = ''] = await spawnAll(3);
  for (const id of [pushed, discarded]) {
    const at = stack.ctx.pool.pathOf(id);
    await git(at, 'commit', '-q', '--allow-empty', '-m', 'mine');
  }
  expect((await prune(ONE)).pruned).toHaveLength(1);
  expect((await stack.ctx.catalog.get(pushed))?.unsaved).toBe('1 commit not pushed');
  const origin = join(stack.dir, 'origin.git');
  await git(stack.dir, 'init', '-q', '--bare', origin);
  const at = stack.ctx.pool.pathOf(pushed);
  await git(at, 'remote', 'add', 'origin', origin);
  await git(at, 'push', '-q', 'origin', 'HEAD:refs/heads/mine');
  await stack.ctx.catalog.releaseLease(discarded, { token: null, now: systemClock.now(), discard: true });
  looks.mockClear();
  const { pruned } = await prune({ maxInstances: 0, maxAgeMs: null });
  expect(pruned.map(({ id }) => id).sort()).toEqual([pushed, discarded].sort());
  expect(looked()).not.toContain(discarded);
});

it('what was discarded and is brought back from the trash is not given up any more', async () => {
  const [id = ''] = await spawnAll(1);
  await change(id);
  await stack.ctx.catalog.releaseLease(id, { token: null, now: systemClock.now(), discard: true });
  const none = { maxInstances: 0, maxAgeMs: null };
  expect((await prune(none)).pruned).toHaveLength(1);
  await restoreInstance(stack.ctx, id);
  const { pruned, sentence } = await prune(none);
  expect(pruned).toEqual([]);
  expect(sentence).toContain(`${id} (unsaved-work: 1 file changed since the spawn)`);
});

it('what is changed after the plan is found right before it would go', async () => {
  const [id = ''] = await spawnAll(1);
  await change(id);
  const removals = [{ id, reason: 'a test', rule: 'age', request: null, undo: false }];
  const skipped = [{ id, reason: '1 file changed since the spawn' }];
  expect(await takeOut(deletion(), removals)).toMatchObject({ taken: [], failed: [], skipped });
  expect((await stack.ctx.catalog.get(id))?.state).toBe('ready');
});

it('what a request leaves that failed goes all the same: nobody had it yet', async () => {
  const request = await stack.submit();
  const { instances } = await stack.watcher.wait(request);
  const id = instances[0]?.id ?? '';
  await stack.redis.hset('{spica:main}:catalog:in-flight', id, request); // as before its end
  await change(id);
  const data = { pool: 'main', cause: 'undo', request, count: 1, reason: `request ${request} failed` };
  const job = { id: 'test', data } as unknown as Job;
  await createPruner(stack.ctx)(job, 'token', new AbortController().signal);
  expect(await instancesOnDisk(stack.ctx.pool)).toEqual([]);
});

it('a prune without Redis keeps it too', async () => {
  const [first = '', second = ''] = await spawnAll(3);
  await change(first);
  const all = await Promise.all([stack.ctx.catalog.get(first), stack.ctx.catalog.get(second)]);
  const known = new Map(all.flatMap((each) => (each ? [[each.record.id, each] as const] : [])));
  const { config, ctx } = stack;
  const options = {
    config,
    pool: 'main',
    clock: systemClock,
    logger: ctx.logger,
    known,
    clockConfirmed: true,
  };
  const { plan } = await previewOfflinePrune(options, ONE);
  expect(plan.items.find(({ id }) => id === first)).toMatchObject({ rule: 'unsaved-work' });
  const result = await pruneOffline({ ...options, isOffline: async () => true }, ONE);
  expect(result.pruned.map(({ id }) => id)).toEqual([second]);
});

it('with protect_unsaved_work: false nothing is looked at', async () => {
  const [first = ''] = await spawnAll(2);
  await change(first);
  const { retention } = policy();
  vi.spyOn(stack.ctx.policy, 'retention', 'get').mockReturnValue({ ...retention, protectUnsavedWork: false });
  expect((await prune(ONE)).pruned.map(({ id }) => id)).toEqual([first]);
  expect(looked()).toEqual([]);
});
