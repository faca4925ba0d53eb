import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { lockDeletion } from '@spica/pool';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readAudit } from '../../../../test/support/audit.ts';
import { startLocal } from '../../../../test/support/redis.ts';
import { type Stack, startStack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { reconcile } from '../../src/reconciler/reconcile.ts';

const POLL = { timeout: 30_000 };
const NOTE = 'spica-0123456789ab.1700000000000.0123abcd.json';

let server: Awaited<ReturnType<typeof startLocal>>;
let dir: string;
let stack: Stack;
beforeAll(async () => {
  server = await startLocal();
  dir = await mkdtemp(join(tmpdir(), 'spica-sweep-'));
  const template = await makeTemplate(join(dir, 'template'));
  stack = await startStack({ target: { url: server.url }, templates: { default: template } });
});
afterAll(async () => {
  await stack.close();
  await server.stop();
  await rm(dir, { recursive: true });
});

it('a start leaves the note of what another process is about to put into the trash, and takes it when it is left over', async () => {
  const { pool, audit } = stack.ctx;
  // What the pool was given to do at its start deletes, too.
  await stack.queues.prune.pause();
  await expect.poll(() => stack.queues.prune.getActiveCount(), POLL).toBe(0);
  const told = async () => (await readAudit(audit.path)).filter(({ outcome }) => outcome === 'deleted');
  const claim = await lockDeletion(pool, { clock: systemClock, purpose: 'spica prune --offline' });
  await writeFile(join(pool.paths.trash, NOTE), '');
  await reconcile(stack.ctx, { starting: true });
  expect(await readdir(pool.paths.trash)).toEqual([NOTE]);
  expect(await told()).toEqual([]);

  await claim.release();
  await reconcile(stack.ctx, { starting: true });
  expect(await readdir(pool.paths.trash)).toEqual([]);
  expect(await told()).toMatchObject([{ instance: 'spica-0123456789ab' }]);
});
