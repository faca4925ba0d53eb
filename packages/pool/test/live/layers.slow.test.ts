import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, realpath, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { describeUse, findLiveUses, initPool, type Pool } from '../../src/index.ts';

/** A mount that has its name anywhere counts, whoever made it on this host. */
const ID = `spica-1a7e2${randomUUID().slice(0, 7)}`;
const ENV = { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };

let dir: string;
let pool: Pool;

/** The pool's path has whatever the kernel, and overlays, escape. What is mounted below is unmounted with it. */
beforeEach(async (context) => {
  if (process.getuid?.() !== 0) return context.skip('mounting needs root');
  dir = await realpath(await mkdtemp(join(tmpdir(), 'spica-layers-')));
  // Its own, as /tmp may be an overlay itself.
  await execa('mount', ['-t', 'tmpfs', 'spica-test', dir]);
  const root = join(dir, 'a pool: of, two\\words=x');
  pool = await initPool({ name: 'main', root, clock: { now: () => 0 } });
  for (const name of ['lower', 'upper', 'work', 'merged']) await mkdir(join(dir, name));
  await mkdir(join(pool.pathOf(ID), 'data'), { recursive: true });
});
afterEach(async () => {
  if (process.getuid?.() !== 0) return;
  await execa('umount', ['--lazy', dir]);
  await rm(dir, { recursive: true });
});

/** As whoever mounts an overlay has to write a path. */
const escaped = (path: string) => path.replaceAll(/[\\:]/g, '\\$&').replaceAll(',', '\\,');

async function usesOf(id: string): Promise<string | null> {
  const use = (await findLiveUses(pool)).byInstance.get(id);
  return use ? describeUse(use) : null;
}

/** Not what another namespace, that some other program began meanwhile, has copied of the mounts here. */
async function isMadeOfHere(): Promise<boolean> {
  return (await findLiveUses(pool)).byInstance.get(ID)?.pid === null;
}

async function mountHere(options: string): Promise<void> {
  const merged = join(dir, 'merged');
  await execa('mount', ['-t', 'overlay', '-o', options, 'overlay', merged], { cwd: dir });
}

describe('an instance is in use, with no process there, as', () => {
  it.for<[what: string, options: () => string]>([
    ['a lower layer of an overlay', () => `lowerdir=${escaped(pool.pathOf(ID))}:lower`],
    ['a directory in a lower layer', () => `lowerdir=lower:${escaped(join(pool.pathOf(ID), 'data'))}`],
    ['a lower layer through a link', () => `lowerdir=${join(dir, 'link')}:lower`],
    ['a lower layer by a relative path', () => `lowerdir=relative/${ID}:lower`],
    [
      'the upper layer',
      () =>
        `lowerdir=${join(dir, 'lower')},upperdir=${escaped(pool.pathOf(ID))}/upper,workdir=${escaped(pool.pathOf(ID))}/work`,
    ],
  ])('%s', async ([, options]) => {
    await symlink(pool.pathOf(ID), join(dir, 'link'));
    await symlink(pool.paths.root, join(dir, 'relative'));
    await mkdir(join(pool.pathOf(ID), 'upper'));
    await mkdir(join(pool.pathOf(ID), 'work'));
    await expect.poll(() => usesOf(ID)).toBeNull();
    await mountHere(options());
    await expect.poll(() => usesOf(ID)).toBe(`the filesystem at ${join(dir, 'merged')} is made of it`);
  });

  it('a lower layer under the name that a bind mount gave it', async () => {
    const bound = join(dir, 'bound');
    await mkdir(bound);
    await execa('mount', ['--bind', pool.pathOf(ID), bound]);
    await expect.poll(() => usesOf(ID)).toBeNull();
    await mountHere(`lowerdir=${bound}/data:${join(dir, 'lower')}`);
    await expect.poll(() => usesOf(ID)).toBe(`the filesystem at ${join(dir, 'merged')} is made of it`);
  });

  it('the home of an image that is mounted', async (context) => {
    const image = join(pool.pathOf(ID), 'image');
    await execa('truncate', ['-s', '8M', image]);
    await execa('mkfs.ext4', ['-q', '-F', image], { env: ENV });
    const merged = join(dir, 'merged');
    const { failed, stderr } = await execa('mount', ['-o', 'loop', image, merged], {
      reject: false,
      env: ENV,
    });
    if (failed) return context.skip(`no image can be mounted here: ${stderr}`);
    try {
      await expect.poll(() => usesOf(ID)).toBe(`the filesystem at ${merged} is made of it`);
    } finally {
      await execa('umount', [merged]);
    }
    await expect.poll(isMadeOfHere).toBe(false);
  });
});

/** A program in a mount namespace of its own, where `script` has mounted something. Resolves with how to end it. */
async function inNamespace(script: string, ...args: string[]) {
  const whole = `${script} && echo ready && exec sleep 600`;
  const child = spawn('unshare', ['--mount', 'sh', '-c', whole, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    child.kill();
    await ended;
  });
  const failed = ended.then(() => Promise.reject(new Error(`it ended: ${script}`)));
  await Promise.race([once(child.stdout, 'data'), failed]);
  failed.catch(() => undefined); // it is to end one day
  const end = async () => {
    child.kill();
    await ended;
  };
  return { pid: child.pid, end };
}

it('is in use by a process where an overlay is made of it, in another mount namespace', async () => {
  const options = `lowerdir=${escaped(pool.pathOf(ID))}:${join(dir, 'lower')}`;
  const { pid, end } = await inNamespace(
    'mount -t overlay -o "$0" overlay "$1"',
    options,
    join(dir, 'merged'),
  );
  const said = new RegExp(`^process ${pid} \\((sh|sleep)\\) sees a filesystem made of it$`);
  await expect.poll(() => usesOf(ID)).toMatch(said);
  await end();
  await expect.poll(() => usesOf(ID)).toBeNull();
});

it('is in use though the place where the overlay was made is not there any more, as with bubblewrap', async () => {
  // The host's root is put aside under another name, and is gone when the program runs.
  await symlink(pool.paths.root, join(dir, 'relative'));
  await mkdir(join(dir, 'old'));
  const { pid } = await inNamespace(
    'mount --bind "$0" "$0/old" && mount -t overlay -o "lowerdir=$0/old/relative/$1:$0/lower" overlay "$0/merged" && umount "$0/old" && cd /',
    dir,
    ID,
  );
  await expect.poll(() => usesOf(ID)).toMatch(`process ${pid} (`);
});

it.each([
  ['the whole pool', ''],
  ['the whole host, put aside as by bubblewrap', '/oldroot'],
])('is in use by a process that works in it through an overlay of %s', async (_, aside) => {
  const lower = `${aside}${dir}`;
  const script =
    'if [ "$0" != "$1" ]; then mount -t tmpfs aside /oldroot && mkdir -p "$0" && mount --bind "$1" "$0"; fi &&' +
    ' mount -t overlay -o "lowerdir=$0:$3" overlay "$1/merged" && cd "$1/merged/$2"';
  const empty = await mkdtemp(join(tmpdir(), 'spica-empty-'));
  const made = aside !== '' && (await mkdir(aside, { recursive: true })) !== undefined;
  try {
    const inside = join('a pool: of, two\\words=x', ID, 'data');
    const { pid } = await inNamespace(script, lower, dir, inside, empty);
    await expect.poll(() => usesOf(ID)).toMatch(new RegExp(`^process ${pid} .* works in it$`));
  } finally {
    await rmdir(empty);
    if (made) await rmdir(aside);
  }
});

it('is not in use by an overlay of something else, nor by one that is unmounted again', async () => {
  await writeFile(join(dir, 'lower', 'file'), '');
  await mkdir(join(dir, `${ID}-copy`));
  const merged = join(dir, 'merged');
  const options = `lowerdir=${join(dir, `${ID}-copy`)}:${join(dir, 'lower')}`;
  await execa('mount', ['-t', 'overlay', '-o', options, 'overlay', merged]);
  await expect.poll(isMadeOfHere).toBe(false);
  await execa('umount', [merged]);
  await execa('mount', [
    '-t',
    'overlay',
    '-o',
    `lowerdir=${escaped(pool.pathOf(ID))}:${join(dir, 'lower')}`,
    'overlay',
    merged,
  ]);
  await expect.poll(isMadeOfHere).toBe(true);
  await execa('umount', [merged]);
  await expect.poll(isMadeOfHere).toBe(false);
});
