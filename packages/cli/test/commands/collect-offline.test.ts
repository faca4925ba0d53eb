import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { readAudit } from '../../../../test/support/audit.ts';
import { runCaptured } from '../capture.ts';
import { makeOfflinePool, type OfflinePool } from '../offline-pool.ts';

const ID = 'spica-0001';
let dir: string;
let to: string;
let offline: OfflinePool;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-collect-offline-'));
  to = join(dir, 'results');
  await mkdir(to);
  offline = await makeOfflinePool(dir, { collect_to: to });
  await offline.add(ID, 40, { experiment: 'sweep', collect: ['data'] });
  return () => rm(dir, { recursive: true });
});

const prune = () => runCaptured(['prune', '--offline', '--max-instances', '0', '--json'], offline.io());
const outcomes = async () =>
  (await readAudit(join(offline.stateDir, 'audit.jsonl')))
    .filter(({ action }) => action === 'collect_instance')
    .map(({ outcome }) => outcome);

test('without Redis results are collected first, too', async () => {
  const { exitCode, stdout } = await prune();
  expect([exitCode, JSON.parse(stdout).pruned.map(({ id }: { id: string }) => id)]).toEqual([0, [ID]]);
  expect(existsSync(offline.pool.pathOf(ID))).toBe(false);
  expect(await readFile(join(to, 'sweep', ID, 'data'))).toEqual(Buffer.alloc(1_000_000, 'x'));
  expect(await outcomes()).toEqual([`collected to ${join(to, 'sweep', ID)}`]);
});

test('what cannot be collected is kept, until it can', async () => {
  await rm(to, { recursive: true });
  const { stdout } = await prune();
  const cause = `COLLECT_TARGET: ${to} is no directory (collect_to): make it, or mount its disk`;
  expect(JSON.parse(stdout)).toMatchObject({
    pruned: [],
    skipped: [{ id: ID, reason: `its results could not be collected: ${cause}` }],
  });
  expect(existsSync(offline.pool.pathOf(ID))).toBe(true);
  expect(await outcomes()).toEqual([`failed: ${cause}`]);
  await mkdir(to);
  expect(JSON.parse((await prune()).stdout).pruned).toHaveLength(1);
  expect(await readdir(join(to, 'sweep'))).toEqual([ID]);
});
