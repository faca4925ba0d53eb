import { chmod, link, lutimes, mkdir, open, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

/** `u::rwx,u:1234:r--,g::r-x,m::r-x,o::r-x`, as the kernel has it (linux/posix_acl_xattr.h): it takes no program more. */
const ACL = `0x02000000${'01000700ffffffff'}${'02000400d2040000'}${'04000500ffffffff'}${'10000500ffffffff'}${'20000500ffffffff'}`;

/**
 * Fills a directory with all that makes a copy of a tree hard: links of both kinds, holes, modes, owners, times,
 * extended attributes and ACLs (where there are the programs to set them), empty directories, pipes, and names with
 * spaces, line breaks, leading dashes and bytes that are no UTF-8.
 */
export async function makeOddities(dir: string): Promise<void> {
  const at = (name: string) => join(dir, name);
  await writeFile(at('VERSION'), '1.0.0\n');
  await writeFile(at('script.sh'), '#!/bin/sh\n', { mode: 0o755 });
  await writeFile(at('setuid'), 'x');
  await chmod(at('setuid'), 0o4755);
  await writeFile(at('secret'), 'x', { mode: 0o600 });
  await writeFile(at('read-only'), 'x', { mode: 0o444 });
  await writeFile(at('old'), 'x');
  await utimes(at('old'), 1_000_000_000.123, 1_000_000_000.456);
  await writeFile(at('empty'), '');
  await makeNames(dir);
  await makeLinks(dir);
  await makeSparse(at('sparse'));
  await execa('mkfifo', ['--', at('pipe')]);
  if (process.getuid?.() === 0) await execa('chown', ['1234:2345', '--', at('secret')]);
  await execa('setfattr', ['-n', 'user.note', '-v', 'kept', '--', at('script.sh')], { reject: false });
  await execa('setfattr', ['-n', 'system.posix_acl_access', '-v', ACL, '--', at('script.sh')], {
    reject: false,
  });
  await mkdir(at('closed'));
  await writeFile(join(at('closed'), 'inside'), 'x');
  await utimes(at('closed'), 1_100_000_000, 1_100_000_000);
  await chmod(at('closed'), 0o555);
  await mkdir(at('sticky'));
  await chmod(at('sticky'), 0o1777);
}

async function makeNames(dir: string): Promise<void> {
  for (const name of [
    ' leading',
    'line\nbreak',
    '-rf',
    '*',
    '\\#012',
    'quote\'"',
    'ünï',
    '#comment',
    '.hidden',
  ]) {
    await writeFile(join(dir, name), name);
  }
  const bytes = Buffer.concat([Buffer.from(join(dir, 'bytes-')), Buffer.from([0xff, 0xfe, 0x80])]);
  await writeFile(bytes, 'x');
  const nested = Buffer.concat([Buffer.from(join(dir, 'dir-')), Buffer.from([0xc3, 0x28])]);
  await mkdir(nested);
  await writeFile(Buffer.concat([nested, Buffer.from('/inside')]), 'x');
  await mkdir(join(dir, 'a directory\nwith a break', 'deeper', 'and empty'), { recursive: true });
}

async function makeLinks(dir: string): Promise<void> {
  await symlink('script.sh', join(dir, 'to-script'));
  await symlink('/nowhere/at/all', join(dir, 'dangling'));
  await symlink('../..', join(dir, 'outside'));
  await symlink('a directory\nwith a break', join(dir, 'to-directory'));
  await lutimes(join(dir, 'dangling'), 1_200_000_000, 1_200_000_000);
  await mkdir(join(dir, 'linked'));
  await writeFile(join(dir, 'linked', 'first'), 'one file, two names');
  await link(join(dir, 'linked', 'first'), join(dir, 'linked', 'second'));
}

/** 64 MB of which two blocks are there. */
async function makeSparse(path: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.write('begin', 0);
    await file.write('end', 64_000_000);
  } finally {
    await file.close();
  }
}

/** All that can be told of a tree but inode numbers and change times, a line for each entry, in order. */
export async function describeTree(dir: string, without: readonly string[] = []): Promise<string[]> {
  const skipped = without.flatMap((name) => ['!', '-path', `./${name}`]);
  const { stdout } = await execa(
    'find',
    ['.', ...skipped, '-printf', '%p %y %m %U %G %T@ %l size:%s links:%n\\0'],
    { cwd: dir, encoding: 'latin1', env: { LC_ALL: 'C' } },
  );
  // A directory's size and links are the filesystem's own affair.
  const lines = stdout
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => (/ d \d+ /.test(line) ? line.replace(/ size:\d+ links:\d+$/, '') : line));
  const attributes = await execa('getfattr', ['-R', '-h', '-d', '-m', '-', '.'], {
    cwd: dir,
    encoding: 'latin1',
    reject: false,
  });
  return [...lines.sort(), attributes.stdout ?? ''];
}
