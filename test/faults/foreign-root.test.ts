import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { initPool, openPool } from '@spica/pool';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LocalRedis, startLocal } from '../support/redis.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { makeTemplate } from '../support/template.ts';

let redis: LocalRedis;
let dir: string;
beforeAll(async () => {
  redis = await startLocal();
});
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-root-'));
});
afterEach(() => rm(dir, { recursive: true }));
afterAll(() => redis.stop());

/** Every path below a directory, with its type, size and times: whatever is touched there shows. */
async function photograph(root: string): Promise<string> {
  const { stdout } = await execa('find', [root, '-printf', '%p %y %s %m %T@ %C@ %l\n']);
  return stdout.split('\n').sort().join('\n');
}

describe('a root that is not the pool it should be is refused by name, and nothing in it is touched', () => {
  const place = () => ({ name: 'main', root: join(dir, 'pool') });
  const cases: [string, string, string, () => Promise<void>][] = [
    ['is missing', 'POOL_ROOT_MISSING', 'there is no', async () => undefined],
    ['is a file', 'POOL_ROOT_INVALID', 'is no directory', () => writeFile(join(dir, 'pool'), 'x')],
    [
      'is a symbolic link to a pool',
      'POOL_ROOT_INVALID',
      'is a symbolic link',
      async () => {
        await initPool({ name: 'main', root: join(dir, 'elsewhere'), clock: systemClock });
        await symlink(join(dir, 'elsewhere'), join(dir, 'pool'));
      },
    ],
    [
      'has no marker, like a disk that is not mounted',
      'POOL_MARKER_MISSING',
      'is not mounted, or `spica init`',
      async () => {
        await mkdir(join(dir, 'pool', 'spica-0123456789ab'), { recursive: true });
      },
    ],
    [
      'has the marker of another pool',
      'POOL_MARKER_FOREIGN',
      'is that of the pool "other"; expected "main"',
      async () => {
        await initPool({ name: 'other', root: join(dir, 'pool'), clock: systemClock });
      },
    ],
    [
      'has a marker that is none',
      'POOL_MARKER_INVALID',
      "is not a pool's marker",
      async () => {
        await mkdir(join(dir, 'pool', '.spica'), { recursive: true });
        await writeFile(join(dir, 'pool', '.spica', 'pool.json'), '{"id": ');
      },
    ],
  ];

  it.each(cases)('%s: %s', async (_, code, words, make) => {
    await make();
    const before = await photograph(dir);
    await expect(openPool(place())).rejects.toMatchObject({ kind: 'check', code });
    await expect(openPool(place())).rejects.toThrow(words);
    expect(await photograph(dir)).toBe(before);
  });
});

describe('a pool that is being served', () => {
  let stack: Stack;
  let root: string;
  beforeEach(async () => {
    root = join(dir, 'pool');
    const template = await makeTemplate(join(dir, 'template'));
    stack = await startStack({
      target: { url: redis.url },
      pool: `p${Date.now()}`,
      root,
      templates: { default: template },
      settings: { 'gate.poll_every': '100ms' },
    });
  });
  afterEach(() => stack.close());

  it('whose disk goes away spawns and deletes nothing where it was, and says why', async () => {
    const { instances } = await stack.spawn({ count: 2 });
    await rename(root, `${root}.unmounted`);
    await mkdir(root);
    const before = await photograph(`${root}.unmounted`);
    await expect(stack.spawn()).rejects.toMatchObject({ code: 'POOL_MARKER_MISSING' });
    const prune = await stack.queues.prune.add('prune', operatorPrune(stack, 0));
    await expect.poll(() => prune.getState()).toBe('failed');
    expect(await readdir(root)).toEqual([]);
    expect(await photograph(`${root}.unmounted`)).toBe(before);
    await rm(root, { recursive: true });
    await rename(`${root}.unmounted`, root);
    expect((await stack.spawn()).instances).toHaveLength(1);
    expect(await stack.ctx.catalog.get(instances[0]?.id ?? '')).toMatchObject({ state: 'ready' });
  });

  it('whose disk is exchanged for that of another pool refuses to work on it', async () => {
    await stack.spawn();
    await rename(root, `${root}.before`);
    await initPool({ name: stack.ctx.pool.name, root, clock: systemClock });
    const before = await photograph(root);
    await expect(stack.spawn()).rejects.toMatchObject({ code: 'POOL_MARKER_FOREIGN' });
    expect(await photograph(root)).toBe(before);
  });

  it('deletes neither a sibling whose name begins like its own, nor what a link under the name of an instance leads to', async () => {
    const { instances } = await stack.spawn({ count: 2 });
    const [own] = instances;
    const sibling = `${root}-archive`;
    const id = 'spica-00000000beef';
    await cp(own?.path ?? '', join(sibling, id), { recursive: true });
    const manifest = JSON.parse(await readFile(join(sibling, id, 'manifest.json'), 'utf8'));
    await writeFile(join(sibling, id, 'manifest.json'), JSON.stringify({ ...manifest, spica_id: id }));
    await symlink(join(sibling, id), join(root, id));
    // One of the pool's own is replaced by a link as well.
    await rm(own?.path ?? '', { recursive: true });
    await symlink(join(sibling, id), own?.path ?? '');
    const before = await photograph(sibling);

    const prune = await stack.queues.prune.add('prune', operatorPrune(stack, 0));
    await expect.poll(() => prune.getState()).toMatch(/completed|failed/);
    const sample = await stack.queues.sample.add('sample', { pool: stack.ctx.pool.name, ids: [id] });
    await expect.poll(() => sample.getState()).toMatch(/completed|failed/);
    expect(await photograph(sibling)).toBe(before);
    expect(await stack.ctx.catalog.get(id)).toBeNull();
  });
});

function operatorPrune({ ctx }: Stack, maxInstances: number) {
  return { pool: ctx.pool.name, cause: 'operator', maxInstances, maxAgeMs: null };
}
