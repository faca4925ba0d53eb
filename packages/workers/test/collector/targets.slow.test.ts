import { execFileSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { readAudit } from '../../../../test/support/audit.ts';
import { mountTmpfs } from '../../../../test/support/mount.ts';
import { ALL, type AtEnd, serve } from './serving.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
const atEnd: AtEnd = (end) => ends.push(end);

test('a full target keeps it, a read-only one too, each told of once; mended, it goes', async (context) => {
  const mounted = await mountTmpfs({ bytes: 1_000_000 });
  if ('skipped' in mounted) return context.skip(mounted.skipped);
  atEnd(() => mounted.unmount());
  const { stack, spawn, prune } = await serve(
    {
      'pools.main.collect_to': mounted.dir,
      'pools.main.disk.min_free_space_gb': 0.0001,
    },
    atEnd,
  );
  const id = await spawn(2_000_000);
  const remount = (options: string) => execFileSync('mount', ['-o', `remount,${options}`, mounted.dir]);
  const outcomes = async () =>
    (await readAudit(stack.ctx.audit.path))
      .filter(({ action }) => action === 'collect_instance')
      .map(({ outcome }) => outcome);

  for (let n = 0; n < 2; n += 1) expect((await prune(ALL)).skipped.map((each) => each.id)).toEqual([id]);
  expect(await readdir(mounted.dir)).toEqual([]);
  remount('size=8m,ro');
  for (let n = 0; n < 2; n += 1) expect((await prune(ALL)).skipped.map((each) => each.id)).toEqual([id]);
  expect(await outcomes()).toEqual([
    expect.stringMatching(/^failed: COLLECT_NO_ROOM: .* free above the floor/),
    expect.stringMatching(/^failed: COLLECT_FAILED: .*read-only file system/i),
  ]);
  remount('size=8m,rw');
  expect((await prune(ALL)).pruned.map((each) => each.id)).toEqual([id]);
  expect(await readdir(join(mounted.dir, id))).toEqual(['result', 'spica-collected.json']);
});
