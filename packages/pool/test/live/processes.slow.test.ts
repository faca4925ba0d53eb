import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  access,
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  open,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { putInFront } from '../../../../test/support/in-front.ts';
import {
  findDeletedOpen,
  findLiveUses,
  findWorkingIn,
  initPool,
  measureInstances,
  type Pool,
} from '../../src/index.ts';
import { asUser } from '../support/as-user.ts';

const ID = 'spica-0123456789ab';

let dir: string;
let pool: Pool;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-live-'));
  await chmod(dir, 0o755);
  pool = await initPool({ name: 'main', root: join(dir, 'pool'), clock: { now: () => 0 } });
  await mkdir(join(pool.pathOf(ID), 'data'), { recursive: true });
});
afterEach(() => rm(dir, { recursive: true }));

/** Starts a program that sleeps until the test ends. It runs when this returns: `spawn` waits for its `exec`. */
function sleeper(program: string, options: { cwd?: string; stdin?: number; env?: NodeJS.ProcessEnv }) {
  const { cwd, stdin = 'ignore', env = process.env } = options;
  const child = spawn(program, ['600'], { cwd, env, stdio: [stdin, 'ignore', 'ignore'] });
  const end = async () => {
    if (child.kill()) await once(child, 'exit');
  };
  onTestFinished(end);
  return { pid: child.pid ?? 0, end };
}

/** Starts one that has a file open. */
async function holder(path: string): Promise<number> {
  const file = await open(path);
  const { pid } = sleeper('sleep', { stdin: file.fd });
  await file.close();
  return pid;
}

it.for<[how: string, directory: string]>([
  ['works in it', '.'],
  ['works in it', 'data'],
])('finds a process whose working directory is an instance (%s: %s)', async ([how, directory]) => {
  const { pid } = sleeper('sleep', { cwd: join(pool.pathOf(ID), directory) });
  const { byInstance } = await findLiveUses(pool);
  expect([...byInstance]).toEqual([[ID, { pid, command: 'sleep', how }]]);
});

it('finds a process that has a file of an instance open, though its name is gone', async () => {
  const file = join(pool.pathOf(ID), 'data', 'file');
  await writeFile(file, '');
  const pid = await holder(file);
  const use = { pid, command: 'sleep', how: 'has a file of it open' };
  expect([...(await findLiveUses(pool)).byInstance]).toEqual([[ID, use]]);
  await rm(file);
  expect([...(await findLiveUses(pool)).byInstance]).toEqual([[ID, use]]);
});

/** The file of a library that this process has loaded. */
async function someLibrary(): Promise<string> {
  const [, path] = / (\/\S*\/libm\.so\S*)$/m.exec(await readFile('/proc/self/maps', 'utf8')) ?? [];
  return path ?? expect.fail('there is no libm');
}

it.for(['libm.so', 'line\nbreak.so'])(
  'finds a process that has a file of an instance mapped, which is not open any more: %j',
  async (name) => {
    const library = join(pool.pathOf(ID), name);
    await copyFile(await someLibrary(), library);
    await symlink(library, join(dir, 'preload.so')); // the variable knows no spaces
    const { pid, end } = sleeper('sleep', { env: { ...process.env, LD_PRELOAD: join(dir, 'preload.so') } });
    const use = { pid, command: 'sleep', how: 'has a file of it mapped' };
    await expect.poll(async () => [...(await findLiveUses(pool)).byInstance]).toEqual([[ID, use]]);
    await end();
    expect((await findLiveUses(pool)).byInstance.size).toBe(0);
  },
);

it('finds a process whose program lies in an instance', async () => {
  const program = join(pool.pathOf(ID), 'my program');
  await copyFile('/bin/sleep', program);
  await chmod(program, 0o755);
  const { pid } = sleeper(program, { cwd: dir });
  expect((await findLiveUses(pool)).byInstance.get(ID)).toEqual({
    pid,
    command: 'my program',
    how: 'runs from it',
  });
});

it('finds it through a symbolic link that leads to the pool', async () => {
  await symlink(dir, `${dir}-link`);
  onTestFinished(() => rm(`${dir}-link`));
  const linked = await initPool({ name: 'main', root: join(`${dir}-link`, 'pool'), clock: { now: () => 0 } });
  sleeper('sleep', { cwd: pool.pathOf(ID) });
  expect((await findLiveUses(linked)).byInstance.has(ID)).toBe(true);
});

it('does not find a process that has ended, nor one in a directory whose name only begins alike', async () => {
  await mkdir(`${pool.paths.root}-other/${ID}`, { recursive: true });
  await mkdir(join(pool.paths.root, `${ID}-backup`));
  sleeper('sleep', { cwd: `${pool.paths.root}-other/${ID}` });
  sleeper('sleep', { cwd: join(pool.paths.root, `${ID}-backup`) });
  const { end } = sleeper('sleep', { cwd: pool.pathOf(ID) });
  await end();
  expect((await findLiveUses(pool)).byInstance.size).toBe(0);
});

it('finds a process that sees an instance under another path', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('mounting needs root');
  const elsewhere = join(dir, 'else where'); // mountinfo escapes the space
  await mkdir(elsewhere);
  const bound = await execa('mount', ['--bind', pool.pathOf(ID), elsewhere], { reject: false });
  if (bound.failed) return context.skip(`nothing can be mounted here: ${bound.stderr}`);
  try {
    const { pid, end } = sleeper('sleep', { cwd: join(elsewhere, 'data') });
    const use = { pid, command: 'sleep', how: 'works in it' };
    // Polled: a process that takes a mount namespace of its own now has this mount in it.
    await expect.poll(async () => [...(await findLiveUses(pool)).byInstance]).toEqual([[ID, use]]);
    await end();
    await expect.poll(async () => (await findLiveUses(pool)).byInstance.size).toBe(0);
  } finally {
    await execa('umount', [elsewhere]);
  }
});

it.for([
  ['an instance', ID, 'has it mounted'],
  ['the pool as a whole', '', 'works in it'],
] as const)('finds a process in a container that %s is mounted into', async ([_, part, how], context) => {
  if (process.getuid?.() !== 0) return context.skip('mounting needs root');
  const inside = join(dir, 'inside');
  await mkdir(inside);
  const cwd = part === '' ? join(inside, ID, 'data') : '/';
  const script = 'mount --bind "$0" "$1" && cd "$2" && echo ready && exec sleep 600';
  const args = ['--mount', 'sh', '-c', script, join(pool.paths.root, part), inside, cwd];
  const child = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    if (child.kill()) await once(child, 'exit');
  });
  await once(child.stdout, 'data');
  const use = { pid: child.pid, command: expect.any(String), how };
  await expect.poll(async () => [...(await findLiveUses(pool)).byInstance]).toEqual([[ID, use]]);
});

it("does not count this process's own measuring, but does count what else it has started", async () => {
  const open = join(dir, 'open');
  // A `find` that has come upon an instance, and stays there until it is stopped.
  const hang = `exec 3<${pool.pathOf(ID)}/data\ntouch ${open}\nexec sleep 600`;
  await putInFront(dir, 'find', () => hang);
  const stop = new AbortController();
  const target = { id: ID, sharesSince: null, isSnapshot: false };
  const measuring = measureInstances(pool, [target], { clock: systemClock, signal: stop.signal });
  const stopped = expect(measuring).rejects.toThrow('enough');
  const isOpen = () =>
    access(open).then(
      () => true,
      () => false,
    );
  await expect.poll(isOpen).toBe(true);
  expect((await findLiveUses(pool)).byInstance.size).toBe(0);
  const { pid } = sleeper('sleep', { cwd: pool.pathOf(ID) });
  const use = { pid, command: 'sleep', how: 'works in it' };
  expect([...(await findLiveUses(pool)).byInstance]).toEqual([[ID, use]]);
  stop.abort(new Error('enough'));
  await stopped;
});

it('does not count this process itself', async () => {
  const before = process.cwd();
  process.chdir(pool.pathOf(ID));
  try {
    expect((await findLiveUses(pool)).byInstance.size).toBe(0);
  } finally {
    process.chdir(before);
  }
});

it('counts what other users hide as unreadable, and still finds what can be seen', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('acting as another user needs root');
  sleeper('sleep', { cwd: pool.pathOf(ID) }); // root's
  expect((await findLiveUses(pool)).byInstance.has(ID)).toBe(true);
  await asUser(null, async () => {
    const seen = await findLiveUses(pool);
    expect(seen.byInstance.has(ID)).toBe(false);
    expect(seen.unreadable).toBeGreaterThan(0);
  });
});

it('names the process that keeps the space of a deleted tree by an open file, also where a link leads to it', async () => {
  const file = join(pool.pathOf(ID), 'data', 'file');
  await writeFile(file, '');
  const pid = await holder(file);
  expect(await findDeletedOpen([pool.pathOf(ID)])).toEqual([]);
  await rm(pool.pathOf(ID), { recursive: true });
  expect(await findDeletedOpen([pool.pathOf(ID)])).toEqual([{ pid, command: 'sleep' }]);
  await symlink(pool.paths.root, join(dir, 'link'));
  expect(await findDeletedOpen([join(dir, 'link', ID)])).toEqual([{ pid, command: 'sleep' }]);
});

it('looks once for all who ask at once, and anew for whoever asks after that', async () => {
  const other = 'spica-0123456789ac';
  await mkdir(pool.pathOf(other));
  const { pid } = sleeper('sleep', { cwd: pool.pathOf(ID) });
  const both = () => Promise.all([ID, other].map((id) => findWorkingIn(pool, id)));
  expect(await both()).toEqual([{ pid, command: 'sleep', how: 'works in it' }, null]);
  const before = findWorkingIn(pool, other);
  const late = sleeper('sleep', { cwd: pool.pathOf(other) });
  await before; // began before or after that
  expect((await both())[1]).toMatchObject({ pid: late.pid });
});
