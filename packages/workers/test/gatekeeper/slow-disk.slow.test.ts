import { expect, it, vi } from 'vitest';
import type { Stack } from '../../../../test/support/stack.ts';
import { useStack } from '../../../../test/support/use-stack.ts';

vi.mock('../../src/pressure/disk-trouble.ts', async (original) => ({
  ...(await original<typeof import('../../src/pressure/disk-trouble.ts')>()),
  DISK_MS: 50,
}));

const POLL = { timeout: 120_000 };

let stack: Stack;
useStack((served) => {
  stack = served;
});

/** The template's next look stands still until it is let go on. */
function stall(): PromiseWithResolvers<void> {
  const { templates } = stack.ctx;
  const current = templates.current.bind(templates);
  const stalled = Promise.withResolvers<void>();
  vi.spyOn(templates, 'current').mockImplementationOnce(async (name) => {
    await stalled.promise;
    return current(name);
  });
  return stalled;
}

it('waits for a large template as long as its disk takes writes', async () => {
  const stalled = stall();
  const tried = vi.spyOn(stack.ctx.diskWrites, 'check');
  const id = await stack.submit();
  await expect.poll(() => tried.mock.calls.length, POLL).toBeGreaterThan(3); // so often its time was over
  stalled.resolve();
  expect((await stack.watcher.wait(id)).instances).toHaveLength(1);
});

it('holds a request whose template is on a disk that hangs, and says so', async () => {
  const stalled = stall();
  const { diskWrites } = stack.ctx;
  const hangs = 'the disk has not answered within 30s';
  vi.spyOn(diskWrites, 'check').mockResolvedValue(hangs);
  vi.spyOn(diskWrites, 'problem').mockReturnValue(hangs);
  const id = await stack.submit();
  const progress = async () => (await stack.queues.gate.getJob(id))?.progress;
  await expect.poll(progress, POLL).toMatchObject({ phase: 'held', reason: hangs });
  vi.restoreAllMocks();
  stalled.resolve();
  expect((await stack.watcher.wait(id)).instances).toHaveLength(1);
});
