import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CheckError, systemClock, UsageError } from '@spica/core';
import { execa } from 'execa';
import { expect, it, onTestFinished } from 'vitest';
import { type ImageSite, imageSite, loopDevices } from '../../../../test/support/image.ts';
import { COMPILED } from '../../../../test/support/spica.ts';
import { growImage } from '../../src/image/grow.ts';
import { ensureMounted } from '../../src/image/mount.ts';
import { mountedImage } from '../../src/image/mounted.ts';
import { reportImage } from '../../src/image/show.ts';
import { unmountImage } from '../../src/image/unmount.ts';
import { readSimpleCharges } from '../../src/native/btrfs-quota.ts';
import { readSpace } from '../../src/space.ts';

const MAKE = fileURLToPath(new URL('./make.ts', import.meta.url));
const GROW = fileURLToPath(new URL('./grow.ts', import.meta.url));
/** The programs that making an image, and making it larger, run. */
const PROGRAMS = ['losetup', 'mkfs.btrfs', 'mount', 'btrfs'];
/** What is done after the last of them takes milliseconds. */
const DELAYS_MS = [0, 2, 5, 12];

/**
 * Puts programs in front of the real ones that kill whoever runs them: at the nth call, before or after the real one did
 * its work, or so many milliseconds after it.
 */
async function putKillers(
  dir: string,
  { nth, when }: { nth: number; when: 'before' | 'after' | number },
): Promise<void> {
  const kill = 'kill -9 "$PPID"';
  const after = typeof when === 'number' ? `(sleep ${when / 1000}; ${kill}) >&- 2>&- <&- &` : kill;
  for (const program of PROGRAMS) {
    const { stdout: real } = await execa('sh', ['-c', `PATH=$PATH:/usr/sbin:/sbin command -v ${program}`]);
    const script = [
      '#!/bin/sh',
      `echo >> ${dir}/calls`,
      `[ "$(wc -l < ${dir}/calls)" = ${nth} ] || exec ${real} "$@"`,
      ...(when === 'before' ? [kill] : [`${real} "$@"; ended=$?`, after, 'exit $ended']),
    ];
    await writeFile(join(dir, program), `${script.join('\n')}\n`, { mode: 0o755 });
  }
}

/** Whether the process was killed on its way. */
async function runAndDie(
  program: string,
  site: ImageSite,
  at: Parameters<typeof putKillers>[1],
): Promise<boolean> {
  const bin = join(site.dir, 'bin');
  await execa('mkdir', ['-p', bin]);
  await putKillers(bin, at);
  const env = { ...COMPILED, PATH: `${bin}:${process.env['PATH']}` };
  const { signal } = await execa(process.execPath, [program, site.root], { env, reject: false });
  await execa('rm', ['-r', bin]);
  return signal === 'SIGKILL';
}

async function expectWhole(site: ImageSite): Promise<void> {
  expect((await readdir(site.dir)).sort()).toEqual(['pool', 'pool.img']);
  expect(await mountedImage(site.root)).toMatchObject({ file: site.file, isReadOnly: false });
  expect(readSimpleCharges(site.root)).not.toBeNull();
  expect((await loopDevices()).filter(({ file }) => dirname(file) === site.dir)).toHaveLength(1);
}

/** `spica up` mends it, or says that `spica init` must; a second init mends it in any case. */
async function expectMended(site: ImageSite): Promise<void> {
  const place = { name: 'main', root: site.root };
  const mounted = await ensureMounted(place).catch((error: unknown) => {
    if (error instanceof CheckError && error.code === 'IMAGE_UNFINISHED') return 'none';
    throw error;
  });
  if (mounted !== 'none') await expectWhole(site);
  await site.make({ bytes: 128e6 });
  await expectWhole(site);
}

/** Dies at one moment, is mended; whether it died at all. */
async function tryKill(at: Parameters<typeof putKillers>[1]): Promise<boolean> {
  const site = await imageSite();
  if ('skipped' in site) throw new Error(site.skipped);
  try {
    const wasKilled = await runAndDie(MAKE, site, at);
    await expectMended(site);
    return wasKilled;
  } finally {
    await site.close();
  }
}

it('a kill at any moment leaves nothing that a second run cannot mend', async (context) => {
  const site = await imageSite();
  if ('skipped' in site) return context.skip(site.skipped);
  onTestFinished(() => site.close());
  let calls = 0;
  while ((await tryKill({ nth: calls + 1, when: 'before' })) === true) {
    calls += 1;
    await tryKill({ nth: calls, when: 'after' });
  }
  expect(calls).toBeGreaterThan(5);
  // After the last program quotas, marker and name are still to come.
  for (const when of DELAYS_MS) await tryKill({ nth: calls, when });
  while (!(await tryKill({ nth: calls, when: 0 }))); // one of these at least
});

/** Dies at one moment of growing, is mended by a second run; whether it died at all. */
async function tryKillGrow(at: Parameters<typeof putKillers>[1]): Promise<boolean> {
  const site = await imageSite();
  if ('skipped' in site) throw new Error(site.skipped);
  try {
    await site.make({ bytes: 128e6 });
    const place = { name: 'main', root: site.root };
    await writeFile(join(site.root, 'kept'), 'whole');
    const wasKilled = await runAndDie(GROW, site, at);
    await unmountImage(place, { clock: systemClock }); // also when it is half done
    expect(await ensureMounted(place)).toBe('mounted');
    await growImage(place, 300e6).catch((error: unknown) => {
      if (!(error instanceof UsageError && error.code === 'IMAGE_SIZE_INVALID')) throw error; // it was done
    });
    await expectWhole(site);
    expect(await reportImage(place)).toMatchObject({ sizeBytes: 300e6 });
    expect((await readSpace(site.root)).totalBytes).toBeGreaterThan(295e6);
    expect(await readFile(join(site.root, 'kept'), 'utf8')).toBe('whole');
    return wasKilled;
  } finally {
    await site.close();
  }
}

it('a kill at any moment of growing leaves an image that works, and that a second run makes as large', async (context) => {
  const site = await imageSite();
  if ('skipped' in site) return context.skip(site.skipped);
  onTestFinished(() => site.close());
  let calls = 0;
  while (await tryKillGrow({ nth: calls + 1, when: 'before' })) {
    calls += 1;
    await tryKillGrow({ nth: calls, when: 'after' });
  }
  expect(calls).toBeGreaterThanOrEqual(2);
});
