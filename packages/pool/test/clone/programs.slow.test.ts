import { writeFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Mount, mountTmpfs } from '../../../../test/support/mount.ts';
import { instancesOnDisk } from '../../../../test/support/pool.ts';
import { removeTree } from '../../src/remove/remove-tree.ts';
import { asUser } from '../support/as-user.ts';
import { type Nursery, openNursery } from '../support/clones.ts';
import { describeTree } from '../support/oddities.ts';

const OWN = ['manifest.json', 'lineage.json'];
const PATH = process.env['PATH'];

let dir: string;
let template: string;
let calls: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-programs-'));
  template = join(dir, 'template');
  await mkdir(template);
  await writeFile(join(template, 'VERSION'), '1.0.0\n');
  calls = join(dir, 'calls');
  await mkdir(calls);
  await mkdir(join(dir, 'bin'));
  const { stdout: cp } = await execa('which', ['cp']);
  const script = `#!/bin/sh\necho "$@" | tr '\\n' ' ' >${calls}/$$\nexec ${cp} "$@"\n`;
  await writeFile(join(dir, 'bin', 'cp'), script, { mode: 0o755 });
  process.env['PATH'] = [join(dir, 'bin'), PATH].join(delimiter);
});
afterEach(async () => {
  process.env['PATH'] = PATH;
  await removeTree(dir);
});

/** The command lines of the `cp` that were started meanwhile. */
async function during(work: () => Promise<unknown>): Promise<string[]> {
  for (const before of await readdir(calls)) await rm(join(calls, before));
  await work();
  const files = await readdir(calls);
  return Promise.all(files.map(async (file) => (await readFile(join(calls, file), 'utf8')).trimEnd()));
}

/** Directories of all kinds, two of them so large that they are looked into. */
async function fill(files: number, bytes: number): Promise<void> {
  for (const path of ['lib/one', 'lib/two', 'closed', 'sticky', 'empty']) {
    await mkdir(join(template, path), { recursive: true });
  }
  for (let n = 0; n < files; n += 1) {
    const folder = ['lib/one', 'lib/two', 'lib', 'closed', '.'][n % 5] ?? '';
    writeFileSync(join(template, folder, `-file ${n}`), Buffer.alloc(bytes, n));
  }
  await symlink('nowhere', join(template, 'lib', 'dangling'));
  await execa('touch', ['-h', '-d', '2001-02-03 04:05:06.123456789', join(template, 'lib', 'dangling')]);
  await chmod(join(template, 'closed'), 0o555);
  await chmod(join(template, 'sticky'), 0o1777);
  if (process.getuid?.() === 0) await execa('chown', ['1234:2345', join(template, 'lib')]);
  for (const path of ['lib/one', '.']) await utimes(join(template, path), 1_300_000_000, 1_400_000_000);
  await execa('touch', ['-d', '1960-02-03 04:05:06.123456789', join(template, 'lib')]);
}

async function expectFaithful(nursery: Nursery): Promise<string[]> {
  const prepared = await nursery.templates.prepare('default');
  let instance = '';
  const programs = await during(async () => {
    instance = await nursery.clone(prepared);
  });
  expect(await describeTree(instance, OWN)).toEqual(await describeTree(template));
  expect(await readdir(nursery.pool.paths.staging)).toEqual([]);
  return programs;
}

it('a large template is copied by several programs at once, as faithfully as by one', async ({ skip }) => {
  if (availableParallelism() < 2) return skip('there is one core');
  await fill(2_500, 100);
  const programs = await expectFaithful(await openNursery(join(dir, 'pool'), template));
  expect(programs.length).toBeGreaterThan(1);
  expect(programs.join()).toContain('lib/one');
});

it('a large template is copied by fewer programs while others are being copied', async ({ skip }) => {
  if (availableParallelism() < 2) return skip('there is one core');
  await fill(2_500, 100);
  const nursery = await openNursery(join(dir, 'pool'), template);
  const prepared = await nursery.templates.prepare('default');
  const count = availableParallelism() + 1;
  const programs = await during(() =>
    Promise.all(Array.from({ length: count }, () => nursery.clone(prepared))),
  );
  expect(programs.filter((line) => line.includes(' -T '))).not.toEqual([]);
});

/** `u::rwx,u:1234:r--,g::r-x,m::r-x,o::r-x`, as the kernel has it (linux/posix_acl_xattr.h). */
const ACL = `0x02000000${'01000700ffffffff'}${'02000400d2040000'}${'04000500ffffffff'}${'10000500ffffffff'}${'20000500ffffffff'}`;
const ATTRIBUTES = [
  ['an extended attribute', 'user.note', 'kept'],
  ['an ACL', 'system.posix_acl_access', ACL],
  ['an ACL that it hands down', 'system.posix_acl_default', ACL],
] as const;

/** Why an attribute cannot be set here; null when it has been. */
async function setAttribute(path: string, name: string, value: string): Promise<string | null> {
  const { failed, message } = await execa('setfattr', ['-n', name, '-v', value, '--', path], {
    reject: false,
  });
  return failed ? `no attributes can be set here: ${message}` : null;
}

it.for(ATTRIBUTES)(
  'a directory with %s is copied whole, by one of several programs',
  async ([, name, value], { skip }) => {
    if (availableParallelism() < 2) return skip('there is one core');
    await fill(2_500, 100);
    const unable = await setAttribute(join(template, 'lib', 'one'), name, value);
    if (unable) return skip(unable);
    const programs = await expectFaithful(await openNursery(join(dir, 'pool'), template));
    expect(programs.length).toBeGreaterThan(1);
    expect(programs.join()).not.toContain('lib/one/-file');
    expect(programs.join()).toContain('lib/two/-file');
  },
);

/** Not one that it hands down: the instance's own files get that. */
it.for(ATTRIBUTES.slice(0, 2))(
  'a large template that has %s itself is copied by one program',
  async ([, name, value], { skip }) => {
    await fill(2_500, 100);
    const unable = await setAttribute(template, name, value);
    if (unable) return skip(unable);
    expect(await expectFaithful(await openNursery(join(dir, 'pool'), template))).toHaveLength(1);
  },
);

it('a clone of a large template gets no ACL from a pool that hands one down', async ({ skip }) => {
  await fill(2_500, 100);
  const nursery = await openNursery(join(dir, 'pool'), template);
  const unable = await setAttribute(nursery.pool.paths.staging, 'system.posix_acl_default', ACL);
  if (unable) return skip(unable);
  expect(await expectFaithful(nursery)).toHaveLength(1);
});

it('when one program has no room left, nothing is left of any', async (context) => {
  const mount: Mount = await mountTmpfs({ bytes: 32e6 });
  if ('skipped' in mount) return context.skip(mount.skipped); // a disk that is really full takes a mount, and that root
  try {
    await fill(2_500, 8_000); // 20 MB each
    const nursery = await openNursery(join(mount.dir, 'pool'), template);
    const prepared = await nursery.templates.prepare('default');
    const programs = await during(() =>
      expect(nursery.clone(prepared)).rejects.toMatchObject({ code: 'NO_SPACE' }),
    );
    if (availableParallelism() > 1) expect(programs.length).toBeGreaterThan(1);
    expect(await readdir(nursery.pool.paths.staging)).toEqual([]);
    expect(await instancesOnDisk(nursery.pool)).toEqual([]);
  } finally {
    await mount.unmount();
  }
});

it('when one program fails, the others are ended and have ended before the failure is told', async ({
  skip,
}) => {
  if (availableParallelism() < 2) return skip('there is one core');
  await fill(2_500, 100);
  const nursery = await openNursery(join(dir, 'pool'), template);
  const prepared = await nursery.templates.prepare('default');
  // The first to come waits for another, and fails; the others would never end by themselves.
  const script = `#!/bin/sh
if mkdir ${dir}/first; then until [ -e ${dir}/going ]; do sleep 0.01; done; echo 'cp: broken' >&2; exit 1; fi
trap 'echo ended >${calls}/ended; exit 1' TERM
touch ${dir}/going
while :; do sleep 0.01; done
`;
  await writeFile(join(dir, 'bin', 'cp'), script);
  const ended = await during(() =>
    expect(nursery.clone(prepared)).rejects.toMatchObject({
      code: 'CLONE_FAILED',
      message: expect.stringContaining('cp: broken'),
    }),
  );
  expect(ended).toContain('ended');
  expect(await readdir(nursery.pool.paths.staging)).toEqual([]);
});

it('an ordinary user may have a large template, read-only directories and all', async ({ skip }) => {
  if (process.getuid?.() !== 0) return skip('becoming another user needs root');
  await fill(2_500, 100);
  const programs = await asUser(dir, async () =>
    expectFaithful(await openNursery(join(dir, 'pool'), template)),
  );
  if (availableParallelism() > 1) expect(programs.length).toBeGreaterThan(1);
});

it('a small template is copied by one program, to the nanosecond', async () => {
  await fill(20, 100);
  await execa('touch', ['-d', '1960-02-03 04:05:06.123456789', join(template, '-file 4')]);
  expect(await expectFaithful(await openNursery(join(dir, 'pool'), template))).toHaveLength(1);
});
