import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { mountAsAfterPowerCut, mountLoop } from '../../../../test/support/mount.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { listStored } from '../../src/template/store.ts';
import { openNursery } from '../support/clones.ts';
import { describeTree } from '../support/oddities.ts';

it('is whole after a power cut as soon as it is prepared', async (context) => {
  const disk = await mountLoop({ type: 'ext4', bytes: 100e6 });
  if ('skipped' in disk) return context.skip(disk.skipped);
  onTestFinished(() => disk.unmount());
  const template = await makeTemplate(join(disk.dir, 'template'));
  await writeFile(join(template, 'data', 'large'), Buffer.alloc(5_000_000, 'x'));
  const nursery = await openNursery(join(disk.dir, 'pool'), template);
  const prepared = await nursery.templates.prepare('default');

  const found = await mountAsAfterPowerCut(disk);
  if ('skipped' in found) return context.skip(found.skipped);
  onTestFinished(() => found.unmount());
  const [stored] = await listStored(join(found.dir, 'pool', '.spica', 'templates'));
  expect(stored?.prepared).toMatchObject({ fingerprint: prepared.fingerprint });
  expect(await describeTree(stored?.prepared.path ?? '')).toEqual(await describeTree(prepared.path));
});
