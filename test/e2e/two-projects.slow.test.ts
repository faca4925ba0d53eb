import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCatalog } from '@spica/catalog';
import { systemClock } from '@spica/core';
import { initPool } from '@spica/pool';
import { connectProducer, countJobs } from '@spica/queues';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { spicaHere } from '../support/here.ts';
import { makeProjects, openProject, type Project, type Projects } from '../support/projects.ts';
import type { Up } from '../support/spica.ts';

/** Projects of a test's own; what it has started ends with it. */
async function openProjects(): Promise<Projects> {
  const made = await makeProjects();
  onTestFinished(() => made.close());
  return made;
}

/** Runs a command in a project of one home, in this process. */
const here = ({ dir }: Project, { home }: Projects, ...args: string[]) =>
  spicaHere(args, { HOME: home }, dir);

const instancesOf = async ({ root }: Project) =>
  (await readdir(root)).filter((name) => name.startsWith('spica-')).sort();

/** The pool's name, as its marker has it. */
async function nameOf({ root }: Project): Promise<string> {
  return JSON.parse(await readFile(join(root, '.spica', 'pool.json'), 'utf8')).name;
}

/** The embedded Redis that projects share. */
const redisOf = ({ home }: Projects) => ({ socket: join(home, '.local/state/spica/redis.sock') });

/** Looks at it. */
async function countAllJobs(projects: Projects, pool: string): Promise<unknown> {
  const redis = await connectProducer(redisOf(projects));
  try {
    return await countJobs(redis, pool);
  } finally {
    redis.disconnect();
  }
}

it('two projects whose configs name no pool have one each', async () => {
  const projects = await openProjects();
  const [first, second] = [await projects.add('tournament'), await projects.add('My Experiments!')];
  for (const project of [first, second]) expect(await project.spica('init')).toMatchObject({ exitCode: 0 });
  const name = await nameOf(first);
  expect(name).toMatch(/^tournament-[0-9a-f]{6}$/);
  expect(await nameOf(second)).toMatch(/^my-experiments-[0-9a-f]{6}$/);
  expect(await here(first, projects, 'init')).toMatchObject({ exitCode: 0 });
  expect(await nameOf(first)).toBe(name);

  await first.up();
  const spawned = await first.spica('spawn', '-n', '2', '--json');
  expect(JSON.parse(spawned.stdout)).toMatchObject({ pool: name });
  const before = await instancesOf(first);
  expect(before).toHaveLength(2);
  for (const command of [['spawn'], ['prune', '--max-instances', '1', '--yes']]) {
    const { exitCode, stderr } = await here(second, projects, ...command);
    expect([exitCode, stderr]).toEqual([
      4,
      expect.stringMatching(/^error: no worker serves pool my-experiments-/),
    ]);
  }
  expect(await here(second, projects, 'ls')).toMatchObject({ exitCode: 0, stdout: '' });
  expect(await instancesOf(first)).toEqual(before);
});

it('a pool that was made as `main` stays `main`, though the config names none', async () => {
  const projects = await openProjects();
  const project = await projects.add('older');
  await initPool({ name: 'main', root: project.root, clock: systemClock });
  const { stdout } = await here(project, projects, 'init', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ pool: 'main' });
});

describe('two projects that both name their pool main', () => {
  let projects: Projects;
  let first: Project;
  let up: Up;
  let second: Project;
  let before: readonly string[];
  /** The first is served throughout; whatever the others do, it stays as it is. */
  beforeAll(async () => {
    projects = await makeProjects();
    first = await projects.add('a', { pool: 'main' });
    expect(await here(first, projects, 'init')).toMatchObject({ exitCode: 0 });
    up = await first.up();
    expect(await first.spica('spawn', '-n', '2')).toMatchObject({ exitCode: 0 });
  });
  afterAll(() => projects.close());
  let seconds = 0;
  beforeEach(async () => {
    second = await projects.add(`b${++seconds}`, { pool: 'main' });
    expect(await here(second, projects, 'init')).toMatchObject({ exitCode: 0 });
    before = await instancesOf(first);
  });

  it('do not get at one another: each command is refused before anything is sent', async () => {
    const [id = ''] = before;
    let jobs: unknown;
    const counted = async () => {
      jobs = await countAllJobs(projects, 'main');
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
    ];
    for (const command of commands) {
      const { exitCode, stderr } = await here(second, projects, ...command, '--json');
      const refused = expect.stringContaining('"code":"POOL_FOREIGN"');
      expect([command, exitCode, stderr]).toEqual([command, 1, refused]);
    }
    const serve = await second.spica('serve', '--json');
    expect([serve.exitCode, serve.stderr]).toEqual([1, expect.stringContaining('"code":"POOL_FOREIGN"')]);
    const { stderr } = await second.spica('spawn');
    expect(stderr).toMatch(
      new RegExp(
        `^error: pool main: Redis knows it as \\S+ at ${first.root}, served by process \\d+ \\(spica up\\) since \\S+, but ${second.root} carries \\S+\\. Another project or host serves a pool of that name: give this pool a name of its own`,
      ),
    );
    const status = await here(second, projects, 'status', '--json');
    expect(status.exitCode).toBe(1);
    expect(JSON.parse(status.stdout).pools[0].problem).toMatchObject({ code: 'POOL_FOREIGN' });
    const doctor = await here(second, projects, 'doctor');
    expect(doctor.exitCode).toBe(1);
    expect(doctor.stdout).toMatch(/^fail\tpool main\t.*Redis knows it as/m);
    await expect.poll(() => countAllJobs(projects, 'main')).toEqual(jobs); // polled, as one that repeats may run
    expect(await instancesOf(first)).toEqual(before);
  });

  it('are told apart by a name that one of them takes', async () => {
    const taken = await here(second, projects, 'init', '--rebind');
    expect([taken.exitCode, taken.stderr]).toEqual([
      1,
      expect.stringContaining('Another project or host serves'),
    ]);
    await second.namePool('second');
    expect((await here(second, projects, 'init')).stderr).toContain(
      'is that of the pool "main"; expected "second"',
    );
    expect(await here(second, projects, 'init', '--rebind')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await nameOf(second)).toBe('second');
    expect((await here(second, projects, 'spawn')).stderr).toMatch(/^error: no worker serves pool second/);
    expect(await here(first, projects, 'spawn')).toMatchObject({ exitCode: 0 });
  });

  it('also where the second has not been made yet, or is a copy of the first', async () => {
    const third = await projects.add('c', { pool: 'main' });
    expect((await here(third, projects, 'spawn')).stderr).toContain(`but there is no pool at ${third.root}`);
    const copy = join(projects.home, 'copy');
    await cp(first.dir, copy, { recursive: true, filter: (path) => !path.endsWith('.tmp') }); // drafts come and go
    const copied = openProject(copy, { HOME: projects.home });
    const prune = ['prune', '--max-instances', '1', '--yes'];
    const { exitCode, stderr } = await here(copied, projects, ...prune);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`Redis knows it as`)]);
    expect(await instancesOf(first)).toEqual(before);
  });

  it('are two where the second has a state directory of its own: that is another Redis, where the name is free', async () => {
    const env = { SPICA_STATE_DIR: join(projects.home, 'state-of-its-own') };
    const own = await projects.add('own', { pool: 'main', env });
    expect(await own.spica('init')).toMatchObject({ exitCode: 0 });
    await own.up();
    expect(await own.spica('spawn')).toMatchObject({ exitCode: 0 });
    expect(await here(first, projects, 'spawn')).toMatchObject({ exitCode: 0 });
    expect(await instancesOf(own)).toHaveLength(1);
    expect(await instancesOf(first)).toHaveLength(before.length + 1);
  });

  it('are known to Redis by who serves the pool, and where it is', async () => {
    const redis = await connectProducer(redisOf(projects));
    onTestFinished(() => redis.disconnect());
    const catalog = createCatalog({ redis, pool: 'main' });
    expect(await catalog.server()).toMatchObject({ pid: up.pid, purpose: 'spica up' });
    expect(await catalog.identity()).toMatchObject({ root: first.root });
  });
});

it('a pool that has moved goes on where it is, once nobody serves it where it was', async () => {
  const projects = await openProjects();
  const first = await projects.add('a', { pool: 'main' });
  expect(await here(first, projects, 'init')).toMatchObject({ exitCode: 0 });
  const up = await first.up();
  expect(await here(first, projects, 'spawn')).toMatchObject({ exitCode: 0 });
  await up.kill('SIGTERM');
  const copy = join(projects.home, 'copy');
  await cp(first.dir, copy, { recursive: true });
  const moved = openProject(copy, { HOME: projects.home });
  const again = await moved.up();
  expect((await here(moved, projects, 'ls')).stdout.split('\n')).toHaveLength(1);
  await again.kill('SIGTERM');
});
