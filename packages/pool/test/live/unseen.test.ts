import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { findLiveUses, initPool, type Pool, unseenOf } from '../../src/index.ts';
import { startChild } from '../child.ts';
import { asUser } from '../support/as-user.ts';

const ID = 'spica-0123456789ab';
const LOOK = new URL('look.ts', import.meta.url);

let dir: string;
let pool: Pool;

beforeEach(async (context) => {
  if (process.getuid?.() !== 0) return context.skip('acting as another user needs root');
  dir = await mkdtemp(join(tmpdir(), 'spica-unseen-'));
  await chmod(dir, 0o755);
  pool = await initPool({ name: 'main', root: join(dir, 'pool'), clock: { now: () => 0 } });
  await mkdir(join(pool.pathOf(ID), 'data'), { recursive: true });
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** Root's, in a mount namespace of its own, where `script` has mounted something. */
async function rootsProcess(script: string, ...args: string[]): Promise<number> {
  const child = spawn(
    'unshare',
    ['--mount', 'sh', '-c', `${script} && echo ready && exec sleep 600`, ...args],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: '/',
    },
  );
  onTestFinished(async () => {
    if (child.kill()) await once(child, 'exit');
  });
  await once(child.stdout, 'data');
  return child.pid ?? 0;
}

it("finds the instance that a process of root's has mounted, which an ordinary user may not look into", async () => {
  const inside = join(dir, 'inside');
  await mkdir(inside);
  const pid = await rootsProcess('mount --bind "$0" "$1"', pool.pathOf(ID), inside);
  await asUser(null, async () => {
    const { byInstance, unreadable } = await findLiveUses(pool);
    expect(byInstance.get(ID)).toEqual({ pid, command: expect.any(String), how: 'has it mounted' });
    expect(unreadable).toBeGreaterThan(0);
  });
});

it('takes the mounts of one such process for those of no other', async () => {
  const second = 'spica-ffffffffffff';
  await mkdir(pool.pathOf(second));
  const places = [join(dir, 'one'), join(dir, 'two')];
  for (const place of places) await mkdir(place);
  await rootsProcess('mount --bind "$0" "$1"', pool.pathOf(ID), places[0] ?? '');
  await rootsProcess('mount --bind "$0" "$1"', pool.pathOf(second), places[1] ?? '');
  await asUser(null, async () => {
    expect([...(await findLiveUses(pool)).byInstance.keys()].sort()).toEqual([ID, second]);
  });
});

/** What a process like this one sees, started by another program. */
async function lookBy(...by: string[]) {
  return JSON.parse(await startChild(LOOK, [pool.paths.root], by).next());
}

it('says that there may be more than is listed: in a process namespace of its own', async (context) => {
  const by = ['unshare', '--pid', '--fork', '--mount-proc'];
  const { failed, stderr } = await execa(by[0] ?? '', [...by.slice(1), 'true'], { reject: false });
  if (failed) return context.skip(`no process namespace can be made here: ${stderr}`);
  expect(await lookBy(...by)).toEqual({
    processes: 0,
    sentence: 'processes outside of this container are not listed: what they have open is not known',
  });
});

it('says that there may be more than is listed: where /proc hides the processes of other users', async () => {
  const script =
    'mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid=65534 --regid=65534 --clear-groups "$0" "$@"';
  expect(await lookBy('unshare', '--mount', 'sh', '-c', script)).toMatchObject({
    processes: 0,
    sentence: expect.stringContaining('processes of other users are not listed'),
  });
});

/** In a process namespace of its own nobody else's processes come and go. */
it('counts the processes that it may not look into', async () => {
  const script =
    'sleep 600 & sleep 600 & exec setpriv --reuid=65534 --regid=65534 --clear-groups sh -c \'"$0" "$@"\' "$0" "$@"';
  const said = await lookBy('unshare', '--pid', '--fork', '--mount-proc', '--kill-child', 'sh', '-c', script);
  expect(said).toEqual({
    processes: 2,
    sentence:
      '2 processes of other users or privileges could not be looked into, and processes outside of this container are not listed: what they have open is not known',
  });
});

it('does not count the threads of the kernel, which use nothing', async () => {
  await asUser(null, async () => {
    const { unreadable } = await findLiveUses(pool);
    const listed = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const kernels = listed.filter((pid) => commandLineOf(pid) === '');
    expect(kernels.length).toBeGreaterThan(10);
    expect(unreadable).toBeLessThan(listed.length - kernels.length / 2);
  });
});

/** The kernel's threads have none; nor has a process that is gone, or waits to be reaped. */
function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

it('has nothing to say where all processes can be looked into', async () => {
  expect(unseenOf({ unreadable: 0, hidden: null })).toBeNull();
});
