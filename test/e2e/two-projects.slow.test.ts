import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCatalog } from '@spica/catalog';
import { systemClock } from '@spica/core';
import { initPool } from '@spica/pool';
import { connectProducer, countJobs } from '@spica/queues';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeProjects, openProject, type Project, type Projects } from '../support/projects.ts';

let projects: Projects;
beforeEach(async () => {
  projects = await makeProjects();
});
afterEach(() => projects.close());

const instancesOf = async ({ root }: Project) =>
  (await readdir(root)).filter((name) => name.startsWith('spica-')).sort();

/** The pool's name, as its marker has it. */
async function nameOf({ root }: Project): Promise<string> {
  return JSON.parse(await readFile(join(root, '.spica', 'pool.json'), 'utf8')).name;
}

/** Looks at the embedded Redis that the projects share. */
async function countAllJobs(pool: string): Promise<unknown> {
  const redis = await connectProducer({ socket: join(projects.home, '.local/state/spica/redis.sock') });
  try {
    return await countJobs(redis, pool);
  } finally {
    redis.disconnect();
  }
}

it('two projects whose configs name no pool have one each', async () => {
  const [first, second] = [await projects.add('tournament'), await projects.add('My Experiments!')];
  for (const project of [first, second]) expect(await project.spica('init')).toMatchObject({ exitCode: 0 });
  const name = await nameOf(first);
  expect(name).toMatch(/^tournament-[0-9a-f]{6}$/);
  expect(await nameOf(second)).toMatch(/^my-experiments-[0-9a-f]{6}$/);
  expect(await first.spica('init')).toMatchObject({ exitCode: 0 });
  expect(await nameOf(first)).toBe(name);

  await first.up();
  const spawned = await first.spica('spawn', '-n', '2', '--json');
  expect(JSON.parse(spawned.stdout)).toMatchObject({ pool: name });
  const before = await instancesOf(first);
  expect(before).toHaveLength(2);
  for (const command of [['spawn'], ['prune', '--max-instances', '1', '--yes']]) {
    const { exitCode, stderr } = await second.spica(...command);
    expect([exitCode, stderr]).toEqual([
      4,
      expect.stringMatching(/^error: no worker serves pool my-experiments-/),
    ]);
  }
  expect(await second.spica('ls')).toMatchObject({ exitCode: 0, stdout: '' });
  expect(await instancesOf(first)).toEqual(before);
});

it('a pool that was made as `main` stays `main`, though the config names none', async () => {
  const project = await projects.add('older');
  await initPool({ name: 'main', root: project.root, clock: systemClock });
  const { stdout } = await project.spica('init', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ pool: 'main' });
});

describe('two projects that both name their pool main', () => {
  let first: Project;
  let second: Project;
  let before: readonly string[];
  beforeEach(async () => {
    [first, second] = [await projects.add('a', { pool: 'main' }), await projects.add('b', { pool: 'main' })];
    for (const project of [first, second]) expect(await project.spica('init')).toMatchObject({ exitCode: 0 });
    await first.up();
    expect(await first.spica('spawn', '-n', '2')).toMatchObject({ exitCode: 0 });
    before = await instancesOf(first);
  });

  it('do not get at one another: each command is refused before anything is sent', async () => {
    const [id = ''] = before;
    let jobs: unknown;
    const counted = async () => {
      jobs = await countAllJobs('main');
      return JSON.stringify(jobs);
    };
    await expect.poll(counted).not.toMatch(/"(active|wait)":[1-9]/); // one that repeats may run now
    const commands = [
      ['spawn'],
      ['spawn', '--no-wait'],
      ['prune', '--max-instances', '1', '--yes'],
      ['prune', '--dry-run'],
      ['ls'],
      ['show', id],
      ['pin', id, '--why', 'mine'],
      ['lease', id, '--ttl', '1h'],
      ['sample'],
      ['restore', id],
      ['reconcile'],
      ['reconcile', '--end-grace'],
      ['clock', '--confirm'],
      ['cancel', 'req-0123456789ab'],
      ['explain', 'req-0123456789ab'],
      ['preflight'],
      ['serve'],
    ];
    for (const command of commands) {
      const { exitCode, stderr } = await second.spica(...command, '--json');
      const refused = expect.stringContaining('"code":"POOL_FOREIGN"');
      expect([command, exitCode, stderr]).toEqual([command, 1, refused]);
    }
    const { stderr } = await second.spica('spawn');
    expect(stderr).toMatch(
      new RegExp(
        `^error: pool main: Redis knows it as \\S+ at ${first.root}, served by process \\d+ \\(spica up\\) since \\S+, but ${second.root} carries \\S+\\. Another project or host serves a pool of that name: give this pool a name of its own`,
      ),
    );
    const status = await second.spica('status', '--json');
    expect(status.exitCode).toBe(1);
    expect(JSON.parse(status.stdout).pools[0].problem).toMatchObject({ code: 'POOL_FOREIGN' });
    const doctor = await second.spica('doctor');
    expect(doctor.exitCode).toBe(1);
    expect(doctor.stdout).toMatch(/^fail\tpool main\t.*Redis knows it as/m);
    await expect.poll(() => countAllJobs('main')).toEqual(jobs); // polled, as one that repeats may run
    expect(await instancesOf(first)).toEqual(before);
  });

  it('are told apart by a name that one of them takes', async () => {
    const taken = await second.spica('init', '--rebind');
    expect([taken.exitCode, taken.stderr]).toEqual([
      1,
      expect.stringContaining('Another project or host serves'),
    ]);
    await second.namePool('second');
    expect((await second.spica('init')).stderr).toContain('is that of the pool "main"; expected "second"');
    expect(await second.spica('init', '--rebind')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await nameOf(second)).toBe('second');
    expect((await second.spica('spawn')).stderr).toMatch(/^error: no worker serves pool second/);
    expect(await first.spica('spawn')).toMatchObject({ exitCode: 0 });
  });

  it('also where the second has not been made yet, or is a copy of the first', async () => {
    const third = await projects.add('c', { pool: 'main' });
    expect((await third.spica('spawn')).stderr).toContain(`but there is no pool at ${third.root}`);
    const copy = join(projects.home, 'copy');
    await cp(first.dir, copy, { recursive: true, filter: (path) => !path.endsWith('.tmp') }); // drafts come and go
    const copied = openProject(copy, { HOME: projects.home });
    const { exitCode, stderr } = await copied.spica('prune', '--max-instances', '1', '--yes');
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`Redis knows it as`)]);
    expect(await instancesOf(first)).toEqual(before);
  });
});

it('a pool that has moved goes on where it is, once nobody serves it where it was', async () => {
  const first = await projects.add('a', { pool: 'main' });
  await first.spica('init');
  const up = await first.up();
  expect(await first.spica('spawn')).toMatchObject({ exitCode: 0 });
  await up.kill('SIGTERM');
  const copy = join(projects.home, 'copy');
  await cp(first.dir, copy, { recursive: true });
  const moved = openProject(copy, { HOME: projects.home });
  const again = await moved.up();
  expect((await moved.spica('ls')).stdout.split('\n')).toHaveLength(1);
  await again.kill('SIGTERM');
});

it('a state directory of its own is another Redis, where the name is free', async () => {
  const first = await projects.add('a', { pool: 'main' });
  const own = { SPICA_STATE_DIR: join(projects.home, 'state-of-b') };
  const second = await projects.add('b', { pool: 'main', env: own });
  for (const project of [first, second]) {
    await project.spica('init');
    await project.up();
    expect(await project.spica('spawn')).toMatchObject({ exitCode: 0 });
  }
  expect(await instancesOf(first)).toHaveLength(1);
  expect(await instancesOf(second)).toHaveLength(1);
});

it('a process that serves a pool says so in Redis, with where the pool is', async () => {
  const project = await projects.add('a', { pool: 'main' });
  await project.spica('init');
  const up = await project.up();
  const redis = await connectProducer({ socket: join(projects.home, '.local/state/spica/redis.sock') });
  const catalog = createCatalog({ redis, pool: 'main' });
  expect(await catalog.server()).toMatchObject({ pid: up.pid, purpose: 'spica up' });
  expect(await catalog.identity()).toMatchObject({ root: project.root });
  redis.disconnect();
});
