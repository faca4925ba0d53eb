import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { spicaHere } from '../support/here.ts';
import { mountLoop, unmountWholly } from '../support/mount.ts';
import { makeSite } from '../support/site.ts';

const ENV = { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };

it('says of a filesystem that is damaged what is wrong, in whatever command, and shows what else is known', async (context) => {
  const disk = await mountLoop({ type: 'ext4', bytes: 64_000_000 });
  if ('skipped' in disk) return context.skip(disk.skipped);
  const site = await makeSite({ root: join(disk.dir, 'pool') });
  // So that Redis, which lies elsewhere, answers.
  const elsewhere = await makeSite();
  try {
    const up = await site.up();
    await spicaHere(['spawn'], site.env);
    await up.kill('SIGTERM');
    await damage(disk.dir, '/pool/.spica');
    await elsewhere.up();
    const env = { ...site.env, SPICA_STATE_DIR: elsewhere.env['SPICA_STATE_DIR'] ?? '' };
    for (const command of [
      ['status', '--json'],
      ['preflight'],
      ['verify'],
      ['prune', '--dry-run'],
      ['doctor'],
    ]) {
      const { exitCode, stdout, stderr } = await spicaHere(command, env);
      expect([command, exitCode]).toEqual([command, 1]);
      expect(stdout + stderr).toMatch(/\.spica.* the system says \\?"the filesystem is damaged/);
      expect(stdout + stderr).not.toMatch(/bug in Spica|EUCLEAN|-117/);
    }
  } finally {
    await elsewhere.close();
    await site.close();
    await disk.unmount();
  }
});

/** Clears the inode of a directory in a mounted ext4, as a disk that lost a block would, and mounts it anew. */
async function damage(dir: string, path: string): Promise<void> {
  const { stdout: device } = await execa('findmnt', ['-no', 'SOURCE', dir], { env: ENV });
  const { stdout: inode } = await execa('stat', ['-c', '%i', dir + path], { env: ENV });
  const image = join(dir, '..', 'image');
  await unmountWholly(dir, image);
  await execa('debugfs', ['-w', '-R', `clri <${inode}>`, image], { env: ENV });
  await execa('mount', ['-o', 'loop,errors=continue', image, dir], { env: ENV });
  expect(device).toMatch(/loop/);
}
