import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { lockDeletion } from '@spica/pool';
import { expect, it } from 'vitest';
import { readAudit } from '../../../../test/support/audit.ts';
import type { Stack } from '../../../../test/support/stack.ts';
import { useStack } from '../../../../test/support/use-stack.ts';
import { reconcile } from '../../src/reconciler/reconcile.ts';

const POLL = { timeout: 30_000 };
const NOTE = 'spica-0123456789ab.1700000000000.0123abcd.json';

let stack: Stack;
useStack((served) => {
  stack = served;
});

it('a start leaves the note of what another process is about to put into the trash, and takes it when it is left over', async () => {
  const { pool, audit } = stack.ctx;
  // What the pool was given to do at its start deletes, too.
  await stack.queues.prune.pause();
  await expect.poll(() => stack.queues.prune.getActiveCount(), POLL).toBe(0);
  const logged = async () => (await readAudit(audit.path)).filter(({ outcome }) => outcome === 'deleted');
  const claim = await lockDeletion(pool, { clock: systemClock, purpose: 'spica prune --offline' });
  await writeFile(join(pool.paths.trash, NOTE), '');
  await reconcile(stack.ctx, { starting: true });
  expect(await readdir(pool.paths.trash)).toEqual([NOTE]);
  expect(await logged()).toEqual([]);

  await claim.release();
  await reconcile(stack.ctx, { starting: true });
  expect(await readdir(pool.paths.trash)).toEqual([]);
  expect(await logged()).toMatchObject([{ instance: 'spica-0123456789ab' }]);
});
