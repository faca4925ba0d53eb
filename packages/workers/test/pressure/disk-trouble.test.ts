import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { initPool, type Pool } from '@spica/pool';
import { execa } from 'execa';
import { beforeEach, expect, it } from 'vitest';
import { createDiskWrites } from '../../src/pressure/disk-trouble.ts';

let dir: string;
let pool: Pool;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-writes-'));
  pool = await initPool({ name: 'main', root: join(dir, 'pool'), clock: systemClock });
  return async () => {
    await execa('chattr', ['-i', pool.paths.writeCheck], { reject: false });
    await rm(dir, { recursive: true });
  };
});

it('tries a write, and says what the disk answers for as long as it does', async (context) => {
  const writes = createDiskWrites(pool);
  expect([writes.problem(), await writes.check()]).toEqual([null, null]);
  const { failed } = await execa('chattr', ['+i', pool.paths.writeCheck], { reject: false });
  if (failed) return context.skip('nothing can be made immutable here');
  expect(await writes.check()).toBe(
    `the disk of ${pool.paths.root} takes no writes: a write to it fails (EPERM)`,
  );
  expect(writes.problem()).toContain('EPERM');
  await execa('chattr', ['-i', pool.paths.writeCheck]);
  expect([await writes.check(), writes.problem()]).toEqual([null, null]);
});

it('says of a disk that hangs that it does, until it answers', async () => {
  const hanging = Promise.withResolvers<null>();
  const writes = createDiskWrites(pool, () => hanging.promise, 50);
  expect(await writes.check()).toBe(`the disk of ${pool.paths.root} has not answered within 50ms`);
  expect(writes.problem()).toContain('has not answered');
  hanging.resolve(null);
  await expect.poll(() => writes.problem()).toBeNull();
});

it('writes nothing where another pool lies by now', async () => {
  const marker = JSON.parse(await readFile(pool.paths.marker, 'utf8'));
  await writeFile(pool.paths.marker, JSON.stringify({ ...marker, id: crypto.randomUUID() }));
  const tried: unknown[] = [];
  const writes = createDiskWrites(pool, async (of) => {
    tried.push(of);
    return 'it was tried';
  });
  expect([await writes.check(), tried]).toEqual([null, []]);
});
