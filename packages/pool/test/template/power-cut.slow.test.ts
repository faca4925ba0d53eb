import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { mountAsAfterPowerCut, mountLoop } from '../../../../test/support/mount.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { initPool } from '../../src/marker/init.ts';
import { listStored, writeSidecar } from '../../src/template/store.ts';
import { createTemplates } from '../../src/template/templates.ts';
import { describeTree } from '../support/oddities.ts';

it('is taken again after a power cut once it is on the disk, and made anew before that', async (context) => {
  const disk = await mountLoop({ type: 'ext4', bytes: 100e6 });
  if ('skipped' in disk) return context.skip(disk.skipped);
  onTestFinished(() => disk.unmount());
  const template = await makeTemplate(join(disk.dir, 'template'));
  await writeFile(join(template, 'data', 'large'), Buffer.alloc(5_000_000, 'x'));
  const pool = await initPool({ name: 'main', root: join(disk.dir, 'pool'), clock: systemClock });
  let later = 0;
  const open = () =>
    createTemplates({
      pool,
      sources: { default: { path: template } },
      method: 'copy',
      clock: { now: () => Date.now() + later },
      logger: pino({ level: 'silent' }),
    });
  const templates = open();
  const prepared = await templates.prepare('default');

  await templates.syncSnapshots(); // too early: the system has not written it yet
  const [fresh] = await listStored(pool.paths.templates);
  if (!fresh) return expect.fail('it is there');
  await writeSidecar({ ...fresh, boot: 'another' });
  expect(await open().current('default')).toBeNull();
  await open().sweep(new Set());
  expect(await readdir(pool.paths.templates)).toEqual([]);

  const again = open();
  expect(await again.prepare('default')).toEqual(prepared);
  later = 60_000;
  await again.syncSnapshots();
  const found = await mountAsAfterPowerCut(disk);
  if ('skipped' in found) return context.skip(found.skipped);
  onTestFinished(() => found.unmount());
  const [stored] = await listStored(join(found.dir, 'pool', '.spica', 'templates'));
  expect(stored?.prepared).toMatchObject({ fingerprint: prepared.fingerprint });
  expect(await describeTree(stored?.prepared.path ?? '')).toEqual(await describeTree(prepared.path));
});
