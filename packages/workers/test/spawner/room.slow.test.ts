import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { progressOf } from '@spica/queues';
import type { Job } from 'bullmq';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Mount, mountTmpfs } from '../../../../test/support/mount.ts';
import { instancesOnDisk } from '../../../../test/support/pool.ts';
import { startLocal } from '../../../../test/support/redis.ts';
import { type Stack, startStack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { createSpawner } from '../../src/spawner/processor.ts';

const POLL = { timeout: 120_000 };

let disk: Mount;
let server: Awaited<ReturnType<typeof startLocal>>;
let dir: string;
let stack: Stack;
beforeEach(async (context) => {
  disk = await mountTmpfs({ bytes: 48e6 });
  if ('skipped' in disk) return context.skip(disk.skipped);
  server = await startLocal();
  dir = await mkdtemp(join(tmpdir(), 'spica-room-'));
  const template = await makeTemplate(join(dir, 'template'), { files: 4, bytes: 1_000_000 });
  stack = await startStack({
    target: { url: server.url },
    root: join(disk.dir, 'pool'),
    templates: { default: template },
    settings: {
      'pools.main.disk.ballast_mb': 0,
      'pools.main.disk.min_free_space_gb': 0.01,
      'pools.main.disk.check_every': '1h', // the watch must not be what stops it
    },
  });
});
afterEach(async () => {
  if ('skipped' in disk) return;
  await stack.close();
  await server.stop();
  await rm(dir, { recursive: true });
  await disk.unmount();
});

/** A request was admitted, and before its clones began somebody else took the room that was reserved for them. */
async function submitAndTakeItsRoom(maxWaitMs: number | null): Promise<{ id: string; foreign: string }> {
  if ('skipped' in disk) throw new Error(disk.skipped);
  await stack.spawn(); // prepares the template
  await stack.queues.spawn.pause();
  const id = await stack.submit({ maxWaitMs });
  await expect.poll(() => stack.queues.gate.getJobState(id), POLL).toBe('waiting-children');
  const foreign = join(disk.dir, 'foreign');
  await writeFile(foreign, Buffer.alloc(28_000_000));
  await stack.queues.spawn.resume();
  return { id, foreign };
}

const phaseOf = async (id: string) => progressOf((await stack.queues.gate.getJob(id))?.progress);
const OTHERS_TOOK_IT = /others took the room that was reserved, and the clone would cross the floor/;

it('clones nothing into the floor when others took the room that was reserved: holds the request, and serves it when there is room', async () => {
  const { id, foreign } = await submitAndTakeItsRoom(null);
  const held = { phase: 'held', reason: expect.stringMatching(OTHERS_TOOK_IT) };
  await expect.poll(() => phaseOf(id), POLL).toMatchObject(held);
  expect(await instancesOnDisk(stack.ctx.pool)).toHaveLength(1);
  expect(await readdir(stack.ctx.pool.paths.staging)).toEqual([]);
  expect(stack.ctx.gate.ledger.requests).toEqual([]);
  expect(stack.ctx.gate.limits.breaker.failures).toBe(0); // a full disk says nothing of the host
  await rm(foreign);
  await stack.ctx.gate.line.wake();
  expect((await stack.watcher.wait(id)).instances).toHaveLength(1);
  expect(await instancesOnDisk(stack.ctx.pool)).toHaveLength(2);
});

it('rejects such a request once it has been held for max_wait, and it leaves nothing', async () => {
  const { id } = await submitAndTakeItsRoom(1_000);
  await expect(stack.watcher.wait(id)).rejects.toMatchObject({
    kind: 'refused',
    code: 'MAX_WAIT_EXCEEDED',
    message: expect.stringMatching(/^held for 1s \(max_wait\) in vain: /),
  });
  expect(await instancesOnDisk(stack.ctx.pool)).toHaveLength(1);
  expect(await readdir(stack.ctx.pool.paths.staging)).toEqual([]);
  expect(stack.ctx.gate.line.size).toBe(0);
  expect(stack.ctx.gate.ledger.requests).toEqual([]);
});

it('holds a request whose template cannot be prepared for want of room, and serves it when there is some', async () => {
  if ('skipped' in disk) return;
  const foreign = join(disk.dir, 'foreign');
  await writeFile(foreign, Buffer.alloc(36_000_000));
  const id = await stack.submit();
  await expect
    .poll(() => phaseOf(id), POLL)
    .toMatchObject({
      phase: 'held',
      reason: expect.stringMatching(/no room: its snapshot/),
    });
  await rm(foreign);
  await stack.ctx.gate.line.wake();
  expect((await stack.watcher.wait(id)).instances).toHaveLength(1);
});

it('a preparation that is stopped because the disk is full has no room for now: its request may ask again', async () => {
  if ('skipped' in disk) return;
  const job = { id: 'test', name: 'prepare', data: { pool: 'main', request: 'r', template: 'default' } };
  const stopped = createSpawner(stack.ctx)(
    job as Job,
    'token',
    AbortSignal.abort('the disk is critically full'),
  );
  await expect(stopped).rejects.toThrow(/^NO_SPACE: .*was given up: the disk is critically full$/);
  expect(await readdir(stack.ctx.pool.paths.templates)).toEqual([]);
});
