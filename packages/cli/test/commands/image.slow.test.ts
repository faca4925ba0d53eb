import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { type ImageSite, imageSite } from '../../../../test/support/image.ts';
import { spica, spicaUp } from '../../../../test/support/spica.ts';
import { makeTemplate } from '../../../../test/support/template.ts';

let site: ImageSite;
let env: Record<string, string>;
beforeEach(async (context) => {
  const made = await imageSite();
  if ('skipped' in made) return context.skip(made.skipped);
  site = made;
  onTestFinished(() => made.close());
  await mkdir(join(site.dir, 'state'));
  await makeTemplate(join(site.dir, 'template'));
  env = { SPICA_CONFIG: join(site.dir, 'spica.yaml'), SPICA_STATE_DIR: join(site.dir, 'state') };
});

async function configure(image: object | null, name = 'main'): Promise<void> {
  const disk = { min_free_space_gb: 0.001, min_free_inodes_percent: 0, ballast_mb: 0, max_instance_gb: 0.02 };
  const pool = { root: './pool', image, templates: { default: './template' }, disk };
  await writeFile(
    env['SPICA_CONFIG'] ?? '',
    JSON.stringify({ server: { port: 0 }, pools: { [name]: pool } }),
  );
}

async function json(...args: string[]) {
  const { stdout, stderr, exitCode } = await spica([...args, '--json'], env);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout);
}

it('init makes the image that a flag asks for, and says where and how large it is', async () => {
  await configure(null);
  expect(await json('init', '--image', '256M')).toMatchObject({
    cloneMethod: 'snapshot',
    image: { file: site.file, sizeBytes: 256e6, isMounted: true },
  });
  expect(await json('image', 'grow', '300MB')).toMatchObject({ sizeBytes: 300e6 });
  expect(await json('image', 'check')).toEqual({ pool: 'main', damaged: false });
  expect(await json('image', 'unmount')).toMatchObject({ isMounted: false, availableBytes: null });
  const { stdout } = await spica(['image', 'show'], env);
  expect(stdout).toContain('mounted           no: `spica up` mounts it');
});

it('up mounts an image that is not mounted, and says so', async () => {
  await configure({ size_gb: 0.256 });
  await json('init');
  await json('image', 'unmount');
  expect((await spica(['prune', '--offline'], env)).stderr).toContain('is not mounted at');
  const up = await spicaUp(env);
  const { instances } = await json('spawn');
  expect(await json('grow', instances[0].id, '50M')).toMatchObject({ granted: true, capBytes: 50e6 });
  const forked = await json('spawn', '--from', instances[0].id);
  expect(await json('show', forked.instances[0].id)).toMatchObject({
    parent: instances[0].id,
    generation: 1,
  });
  const { exitCode, stderr } = await spica(['grow', instances[0].id, '10G'], env);
  expect({ exitCode, stderr }).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining('can never fit'),
  });
  expect((await json('ls')).instances[0].sample).toMatchObject({ capBytes: 50e6 });
  await up.kill('SIGTERM');
  expect((await up.ended).stderr).toContain("the pool's image is mounted");
});

it('up does not serve a pool outside of the image that its config asks for', async () => {
  await configure(null);
  await json('init');
  await configure({ size_gb: 0.256 });
  const { exitCode, stderr } = await spica(['up'], env);
  expect({ exitCode, stderr }).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('none was made for'),
  });
});

it('refuses sizes that are none, too small, or that nothing asks for', async () => {
  await configure(null);
  const refusal = async (...args: string[]) => {
    const { exitCode, stderr } = await spica(args, env);
    expect(exitCode).toBe(2);
    return stderr;
  };
  expect(await refusal('init', '--image', 'much')).toContain(
    '--image: expected a size like 200G, 512MB or 1.5TiB, got "much"',
  );
  expect(await refusal('init', '--image', '1M')).toContain('--image: expected at least 128.0 MB, got "1M"');
  expect(await refusal('init', '--allocate')).toContain('--allocate: expected --image as well');
  expect(await refusal('spawn', '--from', 'spica-0123456789ab', '--parent', 'spica-0123456789ab')).toContain(
    '--from: expected no --parent beside it',
  );
  expect(await refusal('init', '--image-file', './none')).toContain('--image: expected a size like 200G');
});

it('init --rebind mounts the image first, and names the pool that is in it', async () => {
  await configure({ size_gb: 0.256 });
  const { id } = await json('init');
  await json('image', 'unmount');
  await configure({ size_gb: 0.256 }, 'renamed');
  expect(await json('init', '--rebind')).toMatchObject({ pool: 'renamed', id, image: { isMounted: true } });
});
