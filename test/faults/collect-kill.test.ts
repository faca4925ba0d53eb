import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { makeSite, type Site } from '../support/site.ts';
import { spicaUp } from '../support/spica.ts';

const FILES = 20;

let site: Site;
afterEach(() => site.close());

/** A site whose pool collects `data/**` to a directory. */
async function makeCollectingSite(): Promise<string> {
  site = await makeSite({ template: { files: FILES } });
  const to = join(site.dir, 'results');
  await mkdir(to);
  const file = join(site.dir, 'spica.yaml');
  const config = JSON.parse(await readFile(file, 'utf8'));
  config.pools.main.templates.default = { path: site.template, collect: ['data/**'] };
  config.pools.main.collect_to = to;
  await writeFile(file, JSON.stringify(config));
  return to;
}

it('kill -9 in the middle of a collection: no half result, and the next start does it again', async () => {
  const to = await makeCollectingSite();
  const bin = join(site.dir, 'bin');
  await mkdir(bin);
  // When all is copied and is to be put on the disk, the worker dies.
  await writeFile(
    join(bin, 'sync'),
    `#!/bin/sh\ncase "$*" in *${to}*) kill -9 "$PPID";; *) exec /bin/sync "$@";; esac\n`,
  );
  await chmod(join(bin, 'sync'), 0o755);
  const up = await spicaUp({ ...site.env, PATH: `${bin}:${process.env['PATH']}` });
  const spawned = await site.spica('spawn', '--lease', '1h', '--json');
  const { instances, lease } = JSON.parse(spawned.stdout);
  const [{ id }] = instances;
  await site.spica('release', id, '--token', lease.token);
  expect(await up.ended).toMatchObject({ signal: 'SIGKILL' });
  expect(await readdir(to)).toEqual([`.${id}.part`]);

  const again = await site.up();
  await expect.poll(() => existsSync(join(to, id, 'spica-collected.json'))).toBe(true);
  await expect.poll(() => readdir(to)).toEqual([id]);
  expect(await readdir(join(to, id, 'data'))).toHaveLength(FILES);
  await again.kill('SIGTERM');
});
