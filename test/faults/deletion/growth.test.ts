import { afterEach, beforeEach, expect, it } from 'vitest';
import { instancesOnDisk } from '../../support/pool.ts';
import { makeSmallSite, type SmallSite } from '../../support/small-disk.ts';

let site: SmallSite;
beforeEach(async (context) => {
  const made = await makeSmallSite({ template: { files: 2, bytes: 1_000 } });
  if ('skipped' in made) return context.skip(made.skipped);
  site = made;
  await site.up();
});
afterEach(async () => {
  await site?.close();
});

async function spawned(...args: string[]): Promise<string> {
  const { stdout } = await site.here('spawn', '--max-wait', '40s', '--json', ...args);
  return (JSON.parse(stdout) as { instances: { id: string }[] }).instances[0]?.id ?? '';
}

it('an idle instance of some kB that was to become 230 MB goes for whoever needs that room, and its growth with it', async () => {
  await site.here('profile', 'set', 'default', '230MB', '--by', 'ada');
  const idle = await spawned();
  const preflight = await site.here('preflight', '--json');
  const { verdict, afterPruning } = JSON.parse(preflight.stdout);
  expect({ verdict, instances: afterPruning?.instances }).toMatchObject({
    verdict: 'short',
    instances: [{ id: idle, reason: expect.stringMatching(/; it was to grow by 230\.0 MB more$/) }],
  });
  const next = await spawned();
  expect(await instancesOnDisk(site.pool)).toEqual([next]);
});

it('where it may not go, the reason says whose growth is counted, and not that others hold the room', async () => {
  await site.here('profile', 'set', 'default', '230MB');
  const pinned = await spawned();
  await site.here('pin', pinned, '--why', 'baseline');
  const refused = await site.here('spawn', '--max-wait', '2s');
  expect(refused.exitCode).toBe(3);
  const { stdout } = await site.here('preflight');
  expect(stdout).toContain(`counted as growth still to come: ${pinned} (230.0 MB)`);
  expect(stdout).not.toMatch(/held by others|others hold/);
  expect(await instancesOnDisk(site.pool)).toEqual([pinned]);
});
