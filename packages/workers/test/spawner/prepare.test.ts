import { link, lstat, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Stack } from '../../../../test/support/stack.ts';
import { useStack } from '../../../../test/support/use-stack.ts';

let stack: Stack;
let template: string;
useStack((served) => {
  stack = served;
  template = served.ctx.policy.templates['default']?.path ?? '';
});

const current = () => stack.ctx.templates.current('default');

/** Spawns an instance, and returns what the gate said on its way. */
async function logsOfSpawn(): Promise<string[]> {
  const id = await stack.submit();
  await stack.watcher.wait(id);
  return (await stack.queues.gate.getJobLogs(id)).logs;
}

it('reports the request that a snapshot is prepared for what speaks against the template, and why it is anew', async () => {
  await symlink(join(template, 'data'), join(template, 'to-data'));
  const warning = expect.stringMatching(
    /^warning: template default: to-data: absolute links into the template/,
  );
  expect(await logsOfSpawn()).toEqual([warning]);
  expect(await logsOfSpawn()).toEqual([]);
  await writeFile(join(template, 'data/file-1'), 'new');
  const anew = 'template default was prepared anew: data/file-1 changed (size, time)';
  expect(await logsOfSpawn()).toEqual([anew, warning]);
});

it('spawns from the same snapshot after hard links to the template were made elsewhere, and copies nothing', async () => {
  expect(await logsOfSpawn()).toEqual([]);
  const before = await current();
  const copied = await lstat(join(before?.path ?? '', 'data/file-1'));
  await link(join(template, 'data/file-1'), join(stack.dir, 'elsewhere'));
  expect(await current()).toBeNull();
  expect(await logsOfSpawn()).toEqual([]);
  expect(await current()).toEqual(before);
  expect((await lstat(join(before?.path ?? '', 'data/file-1'))).ino).toBe(copied.ino);
  expect((await stack.ctx.templates.preparedBytes()) - (before?.allocatedBytes ?? 0)).toBe(0);
  await rm(join(stack.dir, 'elsewhere'));
});
