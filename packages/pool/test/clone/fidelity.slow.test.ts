import { chmod, mkdir, mkdtemp, readFile, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Mount, mountLoop, mountTmpfs } from '../../../../test/support/mount.ts';
import { removeTree } from '../../src/remove/remove-tree.ts';
import { openNursery } from '../support/clones.ts';
import { describeTree, makeOddities } from '../support/oddities.ts';

const MB = 1e6;

/** The system's temporary directory, whatever it is. */
async function plain(): Promise<Mount> {
  const dir = await mkdtemp(join(tmpdir(), 'spica-fidelity-'));
  return { dir, unmount: () => removeTree(dir) };
}

describe.each([
  ['btrfs', 'snapshot', () => mountLoop({ type: 'btrfs', bytes: 300 * MB })],
  ['xfs with reflinks', 'reflink', () => mountLoop({ type: 'xfs', bytes: 400 * MB })],
  ['ext4', 'copy', () => mountLoop({ type: 'ext4', bytes: 100 * MB })],
  ['tmpfs', 'copy', () => mountTmpfs({ bytes: 100 * MB })],
  ['the temporary directory', null, plain],
] as const)('an instance on %s', (_, method, make) => {
  let mount: Mount;
  let dir: string;
  let template: string;
  beforeEach(async (context) => {
    mount = await make();
    if ('skipped' in mount) return context.skip(mount.skipped);
    dir = mount.dir;
    template = join(dir, 'template');
    await mkdir(template);
  });
  afterEach(async () => {
    if (!('skipped' in mount)) await mount.unmount();
  });

  it('is a faithful copy of its template, with every oddity, and its own files', async () => {
    await makeOddities(template);
    await utimes(template, 1_300_000_000, 1_300_000_000);
    const nursery = await openNursery(join(dir, 'pool'), template);
    if (method) expect(nursery.method).toBe(method);
    const before = await describeTree(template);
    const prepared = await nursery.templates.prepare('default');
    const instance = await nursery.clone(prepared);
    expect(await describeTree(prepared.path)).toEqual(before);
    expect(await describeTree(instance, ['manifest.json', 'lineage.json'])).toEqual(before);
    expect((await stat(join(instance, 'sparse'))).blocks * 512).toBeLessThan(1 * MB);
    expect(JSON.parse(await readFile(join(instance, 'manifest.json'), 'utf8')).template_version).toBe(
      '1.0.0',
    );
    expect(await describeTree(template)).toEqual(before);
  });

  it('can be changed without its template, its siblings or the snapshot noticing', async () => {
    await makeOddities(template);
    const nursery = await openNursery(join(dir, 'pool'), template);
    const prepared = await nursery.templates.prepare('default');
    const [one, two] = [await nursery.clone(prepared), await nursery.clone(prepared)];
    const before = await describeTree(two);
    await execa('sh', ['-c', 'echo changed >>script.sh; echo changed >>linked/first; rm old'], { cwd: one });
    expect(await readFile(join(one, 'linked', 'second'), 'utf8')).toContain('changed');
    expect(await describeTree(two)).toEqual(before);
    expect(await nursery.templates.current('default')).toEqual(prepared);
  });

  it('comes up, and can be deleted, when the template is read-only throughout', async () => {
    await makeOddities(template);
    await execa('chmod', ['-R', 'a-w', '--', template]);
    const nursery = await openNursery(join(dir, 'pool'), template);
    const instance = await nursery.clone(await nursery.templates.prepare('default'), { params: { A: 1 } });
    expect((await stat(instance)).mode & 0o555).toBe(0o555);
    await removeTree(instance);
    await expect(stat(instance)).rejects.toMatchObject({ code: 'ENOENT' });
    await chmod(template, 0o755);
    await rm(join(template, 'closed'), { recursive: true });
  });
});
