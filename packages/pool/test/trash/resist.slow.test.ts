import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  emptyTrash,
  initPool,
  listTrash,
  type Pool,
  type TrashEntry,
  trashInstance,
} from '../../src/index.ts';
import { startChild } from '../child.ts';

const ID = 'spica-0123456789ab';
const NOTED = {
  at: 1_000,
  note: { reason: 'too old', request: null, bytes: null, record: null, failure: null },
};
const SWAP = new URL('./swap.ts', import.meta.url);
const WRITE = new URL('./write.ts', import.meta.url);
/** Long enough to meet every moment of a deletion many times over. */
const SWAP_MS = Number(process.env['SPICA_TEST_SWAP_MS'] ?? (process.env['CI'] ? 30_000 : 10_000));

let dir: string;
let pool: Pool;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-resist-'));
  pool = await initPool({ name: 'main', root: join(dir, 'pool'), clock: { now: () => 0 } });
  await mkdir(pool.pathOf(ID));
});
afterEach(async () => {
  await execa('chattr', ['-R', '-i', '--', dir], { reject: false });
  await rm(dir, { recursive: true });
});

async function trash(): Promise<TrashEntry> {
  const entry = await trashInstance(pool, ID, NOTED);
  if (!entry) throw new Error('it was there');
  return entry;
}

it('reports what is left of a half-deleted instance, and why, and the next run deletes that', async (context) => {
  for (const name of ['a', 'b', 'c']) await writeFile(join(pool.pathOf(ID), name), '');
  const { failed } = await execa('chattr', ['+i', '--', join(pool.pathOf(ID), 'b')], { reject: false });
  if (failed) return context.skip('no file can be made immutable here');
  const entry = await trash();
  const error = await emptyTrash(entry).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'REMOVE_INCOMPLETE' });
  expect(String(error)).toMatch(/\/b'?: Operation not permitted/);
  const [left] = await listTrash(pool);
  expect(left).toMatchObject({ name: entry.name, isDeletionBegun: true });
  expect(await readdir(left?.path ?? '')).toEqual(['b']);
  await execa('chattr', ['-i', '--', join(left?.path ?? '', 'b')]);
  expect(left && (await emptyTrash(left))).toBe(true);
  expect(await readdir(pool.paths.trash)).toEqual([]);
});

it('never calls deleted what somebody still writes into, and ends once they stop', async () => {
  await mkdir(join(pool.pathOf(ID), 'busy'));
  const writer = startChild(WRITE, [join(pool.pathOf(ID), 'busy')]);
  await writer.next();
  const entry = await trash(); // the writer works in it, and goes with it
  for (let run = 0; run < 3; run += 1) {
    const [listed] = await listTrash(pool);
    if (!listed) break;
    const outcome = await emptyTrash(listed).then(
      () => 'deleted',
      (error: { code: string }) => error.code,
    );
    expect(outcome).toBe((await listTrash(pool)).length === 0 ? 'deleted' : 'REMOVE_INCOMPLETE');
  }
  await writer.kill();
  const [left] = await listTrash(pool);
  if (left) await emptyTrash(left);
  expect(await readdir(pool.paths.trash)).toEqual([]);
  expect(entry.id).toBe(ID);
});

it('is never led outside by directories that become symbolic links while it deletes', {
  timeout: SWAP_MS + 60_000,
}, async () => {
  const canary = join(dir, 'canary');
  const model = join(dir, 'model'); // `cp` does follow the links: from the canary itself it would empty what it reads
  for (let n = 0; n < 200; n += 1) {
    for (const tree of [canary, model]) {
      const part = join(tree, `part-${n % 10}`);
      await mkdir(part, { recursive: true });
      await writeFile(join(part, `file-${n}`), 'alive');
    }
  }
  const count = async () => (await readdir(canary, { recursive: true })).length;
  const alive = await count();
  const entry = await trash();
  const deleting = { id: ID, path: `${entry.path}.deleting` };
  const swapper = startChild(SWAP, [deleting.path, canary]);
  await swapper.next();
  const until = performance.now() + SWAP_MS;
  let deletions = 0;
  while (performance.now() < until) {
    await execa('cp', ['-a', '--', `${model}/.`, deleting.path], { reject: false });
    // What comes while it is deleted may make it incomplete; only the canary matters.
    await emptyTrash(deleting).catch((error: { code: string }) =>
      expect(error.code).toBe('REMOVE_INCOMPLETE'),
    );
    expect(await count()).toBe(alive);
    deletions += 1;
  }
  const swaps = Number(await swapper.ask('stop'));
  expect(swaps).toBeGreaterThan(deletions);
  await emptyTrash(deleting);
  expect(await count()).toBe(alive);
  expect(await readFile(join(canary, 'part-0', 'file-0'), 'utf8')).toBe('alive');
});
