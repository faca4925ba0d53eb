import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readAudit } from '../../support/audit.ts';
import { instancesOnDisk } from '../../support/pool.ts';
import { makeSmallSite, type SmallSite } from '../../support/small-disk.ts';

const POLL = { interval: 200 };
const GROWN = 50_000_000;

let site: SmallSite;
beforeEach(async (context) => {
  const made = await makeSmallSite({
    template: { files: 2, bytes: 1_000 },
    retention: { trash_ttl: '0s' },
    disk: { growth_window: '1s' },
    settings: { gate: { poll_every: '300ms' } },
  });
  if ('skipped' in made) return context.skip(made.skipped);
  site = made;
  await site.up();
});
afterEach(async () => {
  await site?.close();
});

const shortfalls = async () =>
  (await readAudit(join(site.dir, 'state', 'audit.jsonl'))).filter(
    ({ action }) => action === 'verify_reclaim',
  );

it('space that does not come back costs one instance, not one for each time that a request looks', async () => {
  const spawn = JSON.parse((await site.here('spawn', '-n', '4', '--json')).stdout);
  const ids: string[] = [];
  for (const { id, path } of spawn.instances) {
    await writeFile(join(path, 'data', 'grown'), Buffer.alloc(GROWN, 'x'));
    ids.push(id);
  }
  await site.here('sample', ...ids);
  await site.here('sample', ...ids); // they have come to rest: nothing measures them once more
  // As a backup that links does, or a snapshot of the whole disk: every block is kept by somebody else too.
  const keep = join(site.disk, 'keep');
  await mkdir(keep);
  for (const id of ids) await execa('cp', ['-al', '--', site.pool.pathOf(id), keep]);

  await site.here('profile', 'set', 'default', '120MB');
  const refused = site.here('spawn', '--max-wait', '12s');
  await expect.poll(async () => (await shortfalls()).length, POLL).toBe(1);
  expect((await refused).exitCode).toBe(3);
  expect(await instancesOnDisk(site.pool)).toHaveLength(3);
  const preflight = await site.here('preflight', '--json');
  expect(JSON.parse(preflight.stdout)).toMatchObject({ verdict: 'short', afterPruning: null });

  // Nobody keeps them any more; a deletion that brings all of its own is what plans learn that from.
  await rm(keep, { recursive: true });

  expect((await site.here('prune', '--max-instances', '2', '--yes')).exitCode).toBe(0);
  await expect
    .poll(async () => JSON.parse((await site.here('preflight', '-n', '2', '--json')).stdout), POLL)
    .toMatchObject({ verdict: 'short', afterPruning: { instances: [{}, {}] } });
  expect(await site.here('spawn', '-n', '2', '--max-wait', '20s')).toMatchObject({ exitCode: 0 });
});
