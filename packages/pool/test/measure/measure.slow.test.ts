import { chmod, link, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { mountTmpfs } from '../../../../test/support/mount.ts';
import { initPool, measureInstances, type Pool } from '../../src/index.ts';
import { asUser } from '../support/as-user.ts';
import { makeOddities } from '../support/oddities.ts';
import { sayBlocks } from '../support/say-blocks.ts';

const ID = 'spica-0123456789ab';
const OTHER = 'spica-ffffffffffff';
const clock = { now: () => 1_000 };

let dir: string;
let pool: Pool;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-measure-'));
  await chmod(dir, 0o755);
  pool = await initPool({ name: 'main', root: join(dir, 'pool'), clock });
  await mkdir(pool.pathOf(ID));
});
afterEach(() => execa('rm', ['-rf', '--', dir]));

/** Measures instances of which all bytes are their own. */
function measure(ids: readonly string[] = [ID]) {
  return measureInstances(
    pool,
    ids.map((id) => ({ id, sharesSince: null, isSnapshot: false })),
    { clock },
  );
}

async function du(id: string, options: readonly string[]): Promise<number> {
  const { stdout } = await execa('du', ['-s', '--block-size=1', ...options, '--', pool.pathOf(id)]);
  return Number.parseInt(stdout, 10);
}

async function countInodes(id: string): Promise<number> {
  const { stdout } = await execa('du', ['-s', '--inodes', '--', pool.pathOf(id)]);
  return Number.parseInt(stdout, 10);
}

it('agrees with du on a tree with all oddities: sparse files, hard links, names that are no text', async () => {
  await makeOddities(pool.pathOf(ID));
  const sample = (await measure()).get(ID);
  expect(sample).toMatchObject({
    at: 1_000,
    allocatedBytes: await du(ID, []),
    inodes: await countInodes(ID),
  });
  expect(sample?.ownBytes).toBe(sample?.allocatedBytes);
  expect(sample?.apparentBytes).toBeGreaterThan(64_000_000);
  expect(sample?.allocatedBytes).toBeLessThan(1_000_000);
  expect(sample).not.toHaveProperty('incomplete');
});

it('counts what files claim to hold without the directories themselves', async () => {
  await mkdir(join(pool.pathOf(ID), 'a', 'b'), { recursive: true });
  await writeFile(join(pool.pathOf(ID), 'a', 'five'), '12345');
  await writeFile(join(pool.pathOf(ID), 'a', 'b', 'seven'), '1234567');
  await symlink('three', join(pool.pathOf(ID), 'link')); // a link holds its target: 5 bytes
  expect((await measure()).get(ID)).toMatchObject({ apparentBytes: 17, inodes: 6 });
});

it('counts hard links once within an instance, and in each of several instances', async () => {
  await mkdir(pool.pathOf(OTHER));
  const file = join(pool.pathOf(ID), 'file');
  await writeFile(file, Buffer.alloc(100_000, 'x'));
  await link(file, join(pool.pathOf(ID), 'again'));
  await link(file, join(pool.pathOf(OTHER), 'file'));
  const samples = await measure([ID, OTHER]);
  for (const id of [ID, OTHER]) {
    expect(samples.get(id)).toMatchObject({
      allocatedBytes: await du(id, []),
      inodes: 2,
      apparentBytes: 100_000,
    });
  }
});

it('takes for its own only files all of whose names lie in it: what has one outside outlasts it', async () => {
  const cache = join(dir, 'cache');
  await mkdir(cache);
  await writeFile(join(cache, 'wheel'), Buffer.alloc(1_000_000, 'x'));
  const alone = (await measure()).get(ID);
  await link(join(cache, 'wheel'), join(pool.pathOf(ID), 'installed'));
  await link(join(cache, 'wheel'), join(pool.pathOf(ID), 'installed-again'));
  await writeFile(join(pool.pathOf(ID), 'own'), Buffer.alloc(100_000, 'x'));
  await link(join(pool.pathOf(ID), 'own'), join(pool.pathOf(ID), 'own-again'));
  const linked = (await measure()).get(ID);
  expect(linked).toMatchObject({ allocatedBytes: await du(ID, []), inodes: 3, ownInodes: 2 });
  expect(linked?.ownBytes).toBeGreaterThanOrEqual((alone?.ownBytes ?? 0) + 100_000);
  expect(linked?.ownBytes).toBeLessThan((alone?.ownBytes ?? 0) + 120_000);
  await rm(cache, { recursive: true });
  const kept = (await measure()).get(ID);
  expect(kept?.ownBytes).toBe(kept?.allocatedBytes);
  expect(kept).not.toHaveProperty('ownInodes');
});

it.each([
  ['are not counted', '0'],
  ['are counted when they are on the disk', '1'],
])('measures what is data where blocks %s, holes aside', async (_, blocks) => {
  await makeOddities(pool.pathOf(ID));
  await writeFile(join(pool.pathOf(ID), 'large'), Buffer.alloc(5_000_000, 'x'));
  await link(join(pool.pathOf(ID), 'large'), join(pool.pathOf(ID), 'again'));
  await link(join(pool.pathOf(ID), 'large'), join(dir, 'outside'));
  const honest = (await measure()).get(ID);
  await sayBlocks(dir, blocks);
  const sample = (await measure()).get(ID);
  expect(sample).toMatchObject({ inodes: honest?.inodes, ownInodes: honest?.ownInodes });
  expect(sample?.allocatedBytes).toBeGreaterThan(5_000_000);
  expect(sample?.allocatedBytes).toBeLessThan(5_500_000);
  expect(sample?.ownBytes).toBeLessThan(500_000);
});

it('measures many instances, each by itself, and leaves out those that are not there', async () => {
  const ids = Array.from({ length: 30 }, (_, n) => `spica-${String(n).padStart(12, '0')}`);
  for (const [n, id] of ids.entries()) {
    await mkdir(pool.pathOf(id));
    for (let i = 0; i < n; i += 1) await writeFile(join(pool.pathOf(id), `file-${i}`), 'x');
  }
  const samples = await measure([...ids, OTHER]);
  expect(samples.size).toBe(30);
  for (const [n, id] of ids.entries()) expect(samples.get(id)?.inodes).toBe(n + 1);
});

it('measures an empty instance, and no instance at all', async () => {
  expect((await measure()).get(ID)).toMatchObject({
    inodes: 1,
    apparentBytes: 0,
    allocatedBytes: await du(ID, []),
  });
  expect((await measure([])).size).toBe(0);
});

it('refuses what is no id before anything is run', async () => {
  await expect(measure(['-delete'])).rejects.toMatchObject({ code: 'INSTANCE_ID_INVALID' });
});

it('does not leave the instance through links or mounts', async (context) => {
  await symlink('/', join(pool.pathOf(ID), 'root'));
  const disk = await mountTmpfs({ bytes: 10_000_000 });
  if ('skipped' in disk) return context.skip(disk.skipped);
  onTestFinished(() => disk.unmount());
  const point = join(pool.pathOf(ID), 'mnt');
  await mkdir(point);
  await writeFile(join(disk.dir, 'file'), Buffer.alloc(5_000_000, 'x'));
  await execa('mount', ['--bind', disk.dir, point]);
  try {
    expect((await measure()).get(ID)?.allocatedBytes).toBeLessThan(100_000);
  } finally {
    await execa('umount', [point]);
  }
});

it('measures files that claim more than their filesystem holds, and more than a number can count', async (context) => {
  const disk = await mountTmpfs({ bytes: 10_000_000 });
  if ('skipped' in disk) return context.skip(disk.skipped);
  onTestFinished(() => disk.unmount());
  const small = await initPool({ name: 'main', root: join(disk.dir, 'pool'), clock });
  await mkdir(small.pathOf(ID));
  await writeFile(join(small.pathOf(ID), 'sparse'), '');
  await truncate(join(small.pathOf(ID), 'sparse'), 1e12);
  const target = { id: ID, sharesSince: null, isSnapshot: false };
  const first = (await measureInstances(small, [target], { clock })).get(ID);
  expect(first).toMatchObject({ apparentBytes: 1e12, inodes: 2 });
  expect(first?.allocatedBytes).toBeLessThan(1_000_000);
  await execa('truncate', ['-s', '8191P', join(small.pathOf(ID), 'sparse')]);
  const second = (await measureInstances(small, [target], { clock })).get(ID);
  expect(second?.apparentBytes).toBe(Number.MAX_SAFE_INTEGER);
});

it('says that a sample is incomplete where parts cannot be read, and only then', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('acting as another user needs root');
  await mkdir(pool.pathOf(OTHER));
  await mkdir(join(pool.pathOf(ID), "it's\nclosed"));
  await writeFile(join(pool.pathOf(ID), "it's\nclosed", 'hidden'), 'x');
  await writeFile(join(pool.pathOf(ID), 'seen'), 'x');
  await chmod(join(pool.pathOf(ID), "it's\nclosed"), 0o700);
  await asUser(null, async () => {
    const samples = await measure([ID, OTHER]);
    expect(samples.get(ID)).toMatchObject({ inodes: 3, incomplete: true });
    expect(samples.get(OTHER)).not.toHaveProperty('incomplete');
  });
});

it('does not mind files that come and go while it measures', async () => {
  const busy = join(pool.pathOf(ID), 'busy');
  await mkdir(busy);
  await writeFile(join(pool.pathOf(ID), 'steady'), Buffer.alloc(50_000, 'x'));
  let stop = false;
  const churn = (async () => {
    for (let n = 0; !stop; n += 1) {
      await mkdir(join(busy, `dir-${n}`));
      for (let i = 0; i < 20; i += 1) await writeFile(join(busy, `dir-${n}`, `file-${i}`), 'x');
      if (n >= 5) await rm(join(busy, `dir-${n - 5}`), { recursive: true });
    }
  })();
  for (let run = 0; run < 20; run += 1) {
    const sample = (await measure()).get(ID);
    expect(sample?.apparentBytes).toBeGreaterThanOrEqual(50_000);
    expect(sample).not.toHaveProperty('incomplete');
  }
  stop = true;
  await churn;
});

it('does not mind instances that vanish while it measures', async () => {
  const ids = Array.from({ length: 20 }, (_, n) => `spica-${String(n).padStart(12, '0')}`);
  for (const id of ids) {
    await mkdir(pool.pathOf(id));
    for (let i = 0; i < 50; i += 1) await writeFile(join(pool.pathOf(id), `file-${i}`), 'x');
  }
  const [samples] = await Promise.all([
    measure(ids),
    execa('rm', ['-rf', '--', ...ids], { cwd: pool.paths.root }),
  ]);
  for (const id of samples.keys()) expect(ids).toContain(id);
  expect((await measure(ids)).size).toBe(0);
});
