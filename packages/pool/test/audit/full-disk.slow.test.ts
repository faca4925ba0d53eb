import { open, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { mountTmpfs } from '../../../../test/support/mount.ts';
import { verifyAudit } from '../../src/index.ts';
import { entry, openLogIn } from './log.ts';

/** Writes into a file until the disk is full. */
async function fillUp(path: string): Promise<void> {
  const file = await open(path, 'a');
  try {
    for (;;) await file.appendFile(Buffer.alloc(4096, 'x'));
  } catch (error) {
    expect(error).toMatchObject({ code: 'ENOSPC' });
  } finally {
    await file.close();
  }
}

/** How often this process has a file open. */
async function timesOpen(path: string): Promise<number> {
  const handles = await readdir('/proc/self/fd');
  const paths = await Promise.all(handles.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => null)));
  return paths.filter((each) => each === path).length;
}

it('leaves nothing half-written on a full disk, gives up what was kept for it, and goes on', async (context) => {
  const disk = await mountTmpfs({ bytes: 256 * 1024 });
  if ('skipped' in disk) return context.skip(disk.skipped);
  const dir = disk.dir;
  const ballast = join(dir, 'ballast');
  try {
    await writeFile(ballast, Buffer.alloc(64 * 1024));
    let asked = 0;
    const onDiskFull = async () => {
      asked += 1;
      await rm(ballast, { force: true });
      return asked === 1;
    };
    const log = await openLogIn(dir, { onDiskFull });
    const audit = log.forPool('main');
    await audit.append(entry(1));
    await fillUp(join(dir, 'filler'));
    let n = 2;
    for (; asked === 0; n += 1) await audit.append([entry(n), { ...entry(n), reason: 'x'.repeat(3_000) }]);
    await audit.append(entry(n), { sync: true });
    const { lines, problems } = await verifyAudit(log.path);
    expect(problems).toEqual([]);
    expect(lines).toBe(2 * n - 2);

    await fillUp(join(dir, 'filler'));
    const big = { ...entry(0), reason: 'x'.repeat(100_000) };
    await expect(audit.append([entry(n + 1), big])).rejects.toMatchObject({ code: 'AUDIT_UNWRITABLE' });
    expect(await verifyAudit(log.path)).toMatchObject({ lines, problems: [] });
  } finally {
    await disk.unmount();
  }
});

it('leaves no file open while neither the disk that it is wanted on nor the other one has room', async (context) => {
  const disk = await mountTmpfs({ bytes: 256 * 1024 });
  if ('skipped' in disk) return context.skip(disk.skipped);
  try {
    const stateDir = join(disk.dir, 'state');
    const fallback = join(stateDir, 'audit.jsonl');
    const log = await openLogIn(stateDir, { path: join(disk.dir, 'wanted.jsonl') });
    await (await openLogIn(stateDir)).close(); // the fallback can be opened, though not written
    await fillUp(join(disk.dir, 'filler'));
    const failed = {
      code: 'AUDIT_UNWRITABLE',
      message: expect.stringMatching(`nor can ${fallback}: .*no space left on device`),
    };
    for (let n = 0; n < 5; n += 1) {
      await expect(log.forPool('main').append(entry(n), { sync: true })).rejects.toMatchObject(failed);
    }
    expect(await timesOpen(fallback)).toBe(0);
    expect(await timesOpen(log.path)).toBe(1);
  } finally {
    await disk.unmount();
  }
});
