import { existsSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { instancesOnDisk } from '../../support/pool.ts';
import { makeSite, type Site } from '../../support/site.ts';

const POLL = { interval: 200 };

let site: Site | undefined;
afterEach(() => site?.close());

/** Runs a command on it, in this process. */
const here = (...args: string[]) => (site as Site).here(...args);

async function serve(retention: Record<string, unknown>): Promise<Site> {
  const made = await makeSite({ retention, settings: { gate: { poll_every: '1s' } } });
  site = made;
  await made.up();
  return made;
}

async function spawned(...args: string[]) {
  const { stdout } = await here('spawn', '--json', ...args);
  const { instances, lease } = JSON.parse(stdout) as {
    instances: { id: string; path: string }[];
    lease: { token: string } | null;
  };
  return { ids: instances.map(({ id }) => id), token: lease?.token ?? '' };
}

async function listed(id: string) {
  const { instances } = JSON.parse((await here('ls', '--json')).stdout);
  return instances.find((each: { id: string }) => each.id === id);
}

it('what was leased is kept for a while, whichever rule would take it, until its owner discards it', async () => {
  const { pool } = await serve({ max_instances: 2, keep_after_lease: '1h' });
  const { ids, token } = await spawned('-n', '2', '--lease', '2s');
  const [first = '', second = ''] = ids;
  await expect.poll(async () => (await listed(first)).lease.inForce, POLL).toBe(false);
  await here('prune', '--max-instances', '0', '--yes');
  expect(await instancesOnDisk(pool)).toEqual(ids.toSorted());
  const refused = await here('spawn', '--max-wait', '2s');
  expect(refused).toMatchObject({ exitCode: 3 });
  const { stdout } = await here('preflight');
  expect(stdout).toMatch(/1 instance is kept for (60|5\d) min more \(retention.keep_after_lease\)/);
  expect(stdout).toContain('`spica release ID --discard`');

  const waiting = here('spawn', '--max-wait', '40s');
  await expect
    .poll(async () => JSON.parse((await here('status', '--json')).stdout).pools[0].held.length, POLL)
    .toBe(1);
  expect(await here('release', second, '--token', token, '--discard')).toMatchObject({ exitCode: 0 });
  expect(await waiting).toMatchObject({ exitCode: 0 });
  expect(existsSync(pool.pathOf(first))).toBe(true);
  expect(existsSync(pool.pathOf(second))).toBe(false);
});

it('an age counts from the end of use: a run that outlives max_age_days has as long again, and ls says when it goes', async () => {
  const maxAgeMs = 6_000;
  const { pool } = await serve({ max_age_days: maxAgeMs / 86_400_000, keep_after_lease: '0s' });
  const { ids, token } = await spawned('--lease', '1h');
  const [id = ''] = ids;
  const { lease, goes } = await listed(id);
  const at = new Date(Date.parse(lease.expiresAt) + maxAgeMs).toISOString();
  expect(goes).toMatchObject({ at, rule: 'age' });
  const runs = Date.now();
  await expect.poll(() => Date.now(), POLL).toBeGreaterThan(runs + maxAgeMs);
  await here('prune');
  expect(existsSync(pool.pathOf(id))).toBe(true);
  const endsAt = Date.now();
  expect(await here('release', id, '--token', token)).toMatchObject({ exitCode: 0 });
  await expect
    .poll(async () => {
      await here('prune');
      return existsSync(pool.pathOf(id));
    }, POLL)
    .toBe(false);
  const { stdout } = await here('audit', 'tail', '--json');
  const deleted = stdout.split('\n').map((line) => JSON.parse(line || '{}'));
  const trashed = deleted.find(({ instance, outcome }) => instance === id && outcome === 'trashed');
  expect(Date.parse(trashed.timestamp)).toBeGreaterThan(endsAt + maxAgeMs);
  expect(trashed.reason).toMatch(/^unused for \d+s, over max_age_days 0\.0000694/);
});
