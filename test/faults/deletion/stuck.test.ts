import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readAudit } from '../../support/audit.ts';
import { instancesOnDisk } from '../../support/pool.ts';
import { makeSmallSite, type SmallSite } from '../../support/small-disk.ts';

const POLL = { interval: 200 };

let site: SmallSite;
beforeEach(async (context) => {
  const made = await makeSmallSite({ template: { files: 1, bytes: 60e6 } });
  if ('skipped' in made) return context.skip(made.skipped);
  site = made;
  await site.up();
});
afterEach(async () => {
  await site?.close();
});

async function spawned(count: number): Promise<string[]> {
  const { stdout } = await site.here('spawn', '-n', String(count), '--json');
  return (JSON.parse(stdout) as { instances: { id: string }[] }).instances.map(({ id }) => id);
}

const failuresOf = async (id: string) => {
  const lines = await readAudit(join(site.dir, 'state', 'audit.jsonl'));
  return lines.filter(({ instance, outcome }) => instance === id && outcome.startsWith('failed'));
};

it('trash that cannot be emptied is no room: instances are next, it is told of once, and tried at once when asked', async () => {
  const [stuck = ''] = await spawned(1);
  const idle = await spawned(2);
  const immutable = join(site.pool.pathOf(stuck), 'data', 'file-0');
  await execa('chattr', ['+i', immutable]);
  expect((await site.here('prune', '--max-instances', '2', '--yes')).exitCode).toBe(0);
  expect(await instancesOnDisk(site.pool)).toEqual(idle.toSorted());

  // What lies in the trash would be enough, were it to go.
  const spawn = await site.here('spawn', '--max-wait', '50s');
  expect(spawn).toMatchObject({ exitCode: 0 });
  expect((await instancesOnDisk(site.pool)).filter((id) => idle.includes(id))).toHaveLength(1);
  expect(await failuresOf(stuck)).toMatchObject([{ reason: expect.stringContaining('max_instances is 2') }]);

  const status = JSON.parse((await site.here('status', '--json')).stdout).pools[0];
  expect(status.stuck).toMatchObject([
    {
      id: stuck,
      cause: expect.stringContaining('Operation not permitted'),
      help: expect.stringContaining('chattr'),
    },
  ]);
  // What is left was measured anew: the other files are gone.
  expect(status.stuck[0].bytes).toBeGreaterThanOrEqual(60e6);
  const { stdout } = await site.here('doctor');
  expect(stdout).toMatch(new RegExp(`warn\\s+trash of pool main.*${stuck}.*Operation not permitted`));
  expect(await failuresOf(stuck)).toHaveLength(1);

  await execa('chattr', ['-i', join(status.stuck[0].path, 'data', 'file-0')]);
  await site.here('prune');
  expect(existsSync(status.stuck[0].path)).toBe(false);
  expect(JSON.parse((await site.here('status', '--json')).stdout).pools[0].stuck).toEqual([]);
});

it('an instance that cannot be moved away is planned around: the next one goes, and it is told what helps', async () => {
  const [stuck = ''] = await spawned(1);
  const [next = ''] = await spawned(1);
  const [last = ''] = await spawned(1);
  await execa('chattr', ['+i', site.pool.pathOf(stuck)]);
  try {
    expect(await site.here('spawn', '--max-wait', '50s')).toMatchObject({ exitCode: 0 });
    const left = await instancesOnDisk(site.pool);
    expect(left).toContain(stuck);
    expect(left).not.toContain(next);
    expect(left).toContain(last);
    const { stdout } = await site.here('doctor');
    expect(stdout).toMatch(new RegExp(`warn\\s+instance ${stuck} of pool main.*chattr`, 's'));
    const { instances } = JSON.parse((await site.here('ls', '--json')).stdout);
    const listed = instances.find(({ id }: { id: string }) => id === stuck);
    expect(listed.goes).toMatchObject({ at: null, rule: 'undeletable' });
    await expect.poll(async () => (await failuresOf(stuck)).length, POLL).toBe(1);
  } finally {
    await execa('chattr', ['-i', site.pool.pathOf(stuck)]);
  }
  expect((await site.here('prune', '--max-instances', '2', '--yes')).exitCode).toBe(0);
  expect(await instancesOnDisk(site.pool)).not.toContain(stuck);
});
