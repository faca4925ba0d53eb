import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PrunePayload, PruneResult } from '@spica/queues';
import { QueueEvents } from 'bullmq';
import { startLocal } from '../../../../test/support/redis.ts';
import { type Stack, startStack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';

/** Has something done when the test has ended; the last one first. */
export type AtEnd = (end: () => Promise<unknown>) => void;

/** A prune of all that may go. */
export const ALL = { cause: 'operator', maxInstances: 1, maxAgeMs: 1 } as const;

export interface Served {
  readonly stack: Stack;
  prune(payload: Omit<PrunePayload, 'pool'>): Promise<PruneResult>;
  /** Spawns an instance that has `bytes` to be collected, and is not leased. */
  spawn(bytes: number): Promise<string>;
}

/** Serves a pool on a Redis of its own. `settings`: further keys of `spica.yaml`, by dotted path. */
export async function serve(settings: Record<string, unknown>, atEnd: AtEnd): Promise<Served> {
  const dir = await mkdtemp(join(tmpdir(), 'spica-targets-'));
  atEnd(() => rm(dir, { recursive: true }));
  const path = await makeTemplate(join(dir, 'template'));
  const redis = await startLocal();
  atEnd(() => redis.stop());
  const stack = await startStack({ target: { url: redis.url }, templates: { default: path }, settings });
  atEnd(() => stack.close());
  const { prune } = stack.queues;
  const events = new QueueEvents(prune.name, {
    connection: { url: redis.url },
    prefix: prune.opts.prefix ?? '',
  });
  atEnd(() => events.close());
  await events.waitUntilReady();
  return {
    stack,
    prune: async (payload) =>
      (await prune.add('prune', { pool: 'main', ...payload })).waitUntilFinished(events),
    async spawn(bytes) {
      const { instances } = await stack.spawn({ collect: bytes > 0 ? ['result'] : null });
      const [{ id, path: at } = { id: '', path: '' }] = instances;
      if (bytes > 0) await writeFile(join(at, 'result'), Buffer.alloc(bytes, 1));
      return id;
    },
  };
}
