import { mkdtemp, readdir, watch } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InstanceRecord } from '@spica/core';
import { type PrunePayload, type PruneResult, runJob } from '@spica/queues';
import { createLogger, startEmbeddedRedis } from '@spica/workers';
import { execa } from 'execa';
import { countInstance } from '../../packages/workers/src/gate/load.ts';
import { readAudit } from '../../test/support/audit.ts';
import { type Stack, startStack } from '../../test/support/stack.ts';
import { readFlags } from '../flags.ts';
import { median, time } from './figures.ts';
import { makeTemplate } from './template.ts';

interface Shape {
  readonly instances: number;
  readonly files: number;
  readonly rounds: number;
}

/** Everything goes, and at once. */
const PRUNE: PrunePayload = { pool: 'main', cause: 'operator', maxInstances: 0, maxAgeMs: null };
const SETTINGS = {
  'pools.main.retention.trash_ttl': '0s',
  'pools.main.retention.max_instances': 1_000,
  'prune.every': '24h',
  'sample.every': '24h',
};

/**
 * Deletion of many instances, from the command until their space is back, against one `rm -rf` over the same trees;
 * alternating, medians; and how long it takes until their slots are free: from the command, and from the first intent in the
 * audit log to the last rename. Options: --instances, --files (in each),
 * --rounds, --dir DIR (default: the system's temporary directory).
 */
export async function run(args: string[]): Promise<void> {
  const values = readFlags('bench prune', {
    args,
    options: {
      instances: { type: 'string', default: '20' },
      files: { type: 'string', default: '20000' },
      rounds: { type: 'string', default: '3' },
      dir: { type: 'string', default: tmpdir() },
    },
  });
  const [instances, files, rounds] = [values.instances, values.files, values.rounds].map(Number);
  const shape = { instances: instances ?? 0, files: files ?? 0, rounds: rounds ?? 0 };
  const dir = await mkdtemp(join(values.dir, 'spica-bench-prune-'));
  const logger = createLogger({ level: 'warn', pretty: true });
  const redis = await startEmbeddedRedis({ stateDir: join(dir, 'state'), logger });
  try {
    const template = join(dir, 'template');
    await makeTemplate(template, { files: shape.files, bytes: shape.files * 100 });
    const root = join(dir, 'pool');
    const stack = await startStack({
      target: redis.target,
      root,
      templates: { default: template },
      settings: SETTINGS,
    });
    try {
      await compare(stack, dir, shape);
    } finally {
      await stack.close();
    }
  } finally {
    await redis.stop();
    await execa('rm', ['-rf', '--', dir]);
  }
}

async function compare(stack: Stack, dir: string, { instances, files, rounds }: Shape): Promise<void> {
  const model = await keepModel(stack, join(dir, 'model'));
  const times = { slots: [] as number[], renames: [] as number[], prune: [] as number[], rm: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    const trees = Array.from({ length: instances }, (_, n) => join(dir, `tree-${n}`));
    for (const tree of trees) await execa('cp', ['-a', '--', model.dir, tree]);
    await syncDisk(dir);
    times.rm.push(await time(() => execa('rm', ['-rf', '--', ...trees])));
    await populate(stack, model, instances);
    await syncDisk(dir);
    const { slotsMs, renamesMs, doneMs } = await prune(stack);
    times.slots.push(slotsMs);
    times.renames.push(renamesMs);
    times.prune.push(doneMs);
  }
  const [slots, renames] = [median(times.slots), median(times.renames)];
  const [pruned, rm] = [median(times.prune), median(times.rm)];
  console.log(
    `${instances} instances of ${files} files, medians of ${rounds} rounds: slots free after ${slots.toFixed(0)} ms ` +
      `(${renames.toFixed(0)} ms from the first intent), ` +
      `space back after ${pruned.toFixed(0)} ms; rm -rf ${rm.toFixed(0)} ms, ratio ${(pruned / rm).toFixed(2)}`,
  );
}

interface Model {
  readonly dir: string;
  readonly record: InstanceRecord;
}

/** An instance as the pool makes them, and a copy of it beside the pool. */
async function keepModel(stack: Stack, dir: string): Promise<Model> {
  const id = (await stack.spawn()).instances[0]?.id ?? '';
  const instance = await stack.ctx.catalog.get(id);
  if (!instance) throw new Error(`${id} was not spawned`);
  await execa('cp', ['-a', '--', stack.ctx.pool.pathOf(id), dir]);
  await prune(stack);
  return { dir, record: instance.record };
}

async function populate(stack: Stack, { dir, record }: Model, instances: number): Promise<void> {
  for (let n = 0; n < instances; n += 1) {
    const id = `spica-b${String(n).padStart(11, '0')}`;
    await execa('cp', ['-a', '--', dir, stack.ctx.pool.pathOf(id)]);
    // Quiet ones: one whose size was still changing is measured once more before its space is freed.
    const sample = { at: Date.now(), changedAt: Date.now() - 60_000, apparentBytes: 1, inodes: 1 };
    const size = { allocatedBytes: record.cloned?.bytes ?? 1, ownBytes: record.cloned?.bytes ?? 1 };
    const adopted = { ...record, id, request: null, index: null, sample: { ...sample, ...size } };
    await stack.ctx.catalog.adopt(adopted);
    countInstance(stack.ctx, { record: adopted });
  }
}

/** What one contender leaves to be written must not be charged to the next. */
async function syncDisk(dir: string): Promise<void> {
  await execa('sync', ['-f', '--', dir]);
}

async function prune({ ctx, queues, redis }: Stack) {
  const slotsFree = whenNoneIsSeen(ctx.pool.paths.root);
  const start = performance.now();
  const done = runJob(queues.prune, 'prune', PRUNE, { redis }).then((result) => ({
    result: result as PruneResult,
    doneMs: performance.now() - start,
  }));
  const slotsMs = (await slotsFree) - start;
  const { result, doneMs } = await done;
  const [failed] = [...result.failed, ...result.skipped];
  if (failed) throw new Error(`${failed.id} was not deleted: ${failed.reason}`);
  return { slotsMs, doneMs, renamesMs: await readRenamesMs(ctx.audit.path) };
}

/** Of the last run: from its intents, before they are synced, until all are in the trash. */
async function readRenamesMs(auditPath: string): Promise<number> {
  const lines = await readAudit(auditPath);
  const last = (outcome: string) => {
    const logged = lines.findLast((line) => line.action === 'delete_instance' && line.outcome === outcome);
    return Date.parse(logged?.timestamp ?? '');
  };
  return last('trashed') - last('intent');
}

/** Resolves with when the last instance has gone out of sight. Told by the kernel: to look on would slow down what is measured. */
async function whenNoneIsSeen(root: string): Promise<number> {
  const isInstance = (name: string | null) => name?.startsWith('spica-') ?? false;
  const seen = new Set((await readdir(root)).filter(isInstance));
  if (seen.size > 0) {
    for await (const { filename } of watch(root)) {
      if (filename) seen.delete(filename);
      if (seen.size === 0) break;
    }
  }
  return performance.now();
}
