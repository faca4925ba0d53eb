import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sweepSetUps } from '@spica/pool';
import type { PruneResult } from '@spica/queues';
import type { Job } from 'bullmq';
import { execa } from 'execa';
import { beforeEach, expect, it } from 'vitest';
import type { Stack } from '../../../../test/support/stack.ts';
import { useStack } from '../../../../test/support/use-stack.ts';
import { createPruner } from '../../src/pruner/processor.ts';
import { restoreInstance } from '../../src/pruner/restore.ts';

const SET_UP = `echo "$SPICA_ID" >made; echo changed >VERSION; echo more >>.env.spica
  git -c user.name=a -c user.email=a@b commit -q --allow-empty -m set-up`;

let stack: Stack;
useStack(
  (served) => {
    stack = served;
  },
  { 'pools.main.retention.trash_ttl': '1h' },
  { setup: ['sh', '-c', SET_UP] },
);

const git = (cwd: string, ...args: string[]) =>
  execa('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd });
const at = (id: string) => stack.ctx.pool.pathOf(id);
const setUps = async () =>
  (await readdir(stack.ctx.pool.paths.setUps)).filter((name) => name.endsWith('.baseline'));

/** The template is a repository, of which nothing is on a remote. */
beforeEach(async () => {
  const template = stack.ctx.policy.templates['default']?.path ?? '';
  await git(template, 'init', '-q');
  await git(template, 'add', '-A');
  await git(template, 'commit', '-qm', 'begin');
});

async function spawn(of: Parameters<Stack['spawn']>[0] = {}): Promise<string> {
  return (await stack.spawn(of)).instances[0]?.id ?? '';
}

async function prune(data: object): Promise<PruneResult> {
  const job = { id: 'test', data: { pool: 'main', ...data } } as unknown as Job;
  return (await createPruner(stack.ctx)(job, 'token', new AbortController().signal)) as PruneResult;
}
const pruneAll = () => prune({ cause: 'operator', maxInstances: 0, maxAgeMs: null });

it('what a set-up has made is no work; what is done since is, and the instance goes with neither kept for ever', async () => {
  const [idle, busy] = [await spawn(), await spawn({ params: { LR: 1 } })];
  await writeFile(join(at(busy), 'made'), 'mine');
  await git(at(busy), 'commit', '-q', '--allow-empty', '-m', 'mine');
  const { pruned, sentence } = await pruneAll();
  expect(pruned.map(({ id }) => id)).toEqual([idle]);
  expect(sentence).toContain('1 commit not pushed, 1 file changed since the spawn');
});

it('it is known after a restore from the trash, and goes with the instance', async () => {
  const id = await spawn();
  expect((await pruneAll()).pruned).toHaveLength(1);
  await sweepSetUps(stack.ctx.pool, Number.POSITIVE_INFINITY);
  await restoreInstance(stack.ctx, id);
  await writeFile(join(at(id), 'new'), 'mine');
  expect((await pruneAll()).sentence).toContain('unsaved-work: 1 file changed since the spawn');
  await stack.ctx.catalog.releaseLease(id, { token: null, now: Date.now(), discard: true });
  expect((await pruneAll()).pruned).toHaveLength(1);
  expect(await setUps()).toEqual([`${id}.baseline`]);
  const emptied = {
    cause: 'request',
    request: 'r',
    from: null,
    need: { bytes: 2 ** 50, inodes: 0, slots: 0 },
  };
  await prune({ ...emptied, shortfall: { bytes: 2 ** 50, inodes: 0, slots: 0 } });
  expect(await setUps()).toEqual([]);
});

it('a fork was handed out with what the set-up of its parent has made', async () => {
  const parent = await spawn();
  await writeFile(join(at(parent), 'mine'), 'work');
  const fork = await spawn({ from: parent, parent });
  const { sentence } = await pruneAll();
  expect(sentence).toContain(`${fork} (unsaved-work: 1 file changed since the spawn)`);
  await execa('rm', [join(at(fork), 'mine')]);
  expect((await pruneAll()).pruned.map(({ id }) => id)).toEqual([fork]);
});

it('what is left of instances that are gone is swept, after a while', async () => {
  await spawn();
  const left = join(stack.ctx.pool.paths.setUps, 'spica-0123456789ab.baseline');
  await writeFile(left, '{}');
  await utimes(left, 1, 1);
  await sweepSetUps(stack.ctx.pool, 1_000_000);
  expect(await setUps()).toHaveLength(1);
});
