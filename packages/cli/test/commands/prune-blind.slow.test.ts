import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { execa } from 'execa';
import { beforeEach, expect, it } from 'vitest';
import { MAIN } from '../../../../test/support/spica.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { makeOfflinePool, type OfflinePool } from '../offline-pool.ts';

const HOUR_MS = 3_600_000;
/** As in a container: a process namespace of its own, with its own /proc. */
const CONTAINED = ['unshare', '--pid', '--fork', '--mount-proc'];
/** `used`: how many hours ago its lease ended. */
const INSTANCES = {
  'spica-0001': { used: null, discarded: false, goes: true },
  'spica-0002': { used: 2, discarded: false, goes: false },
  'spica-0003': { used: 2, discarded: true, goes: true },
  'spica-0004': { used: 26, discarded: false, goes: true },
};

let dir: string;
let offline: OfflinePool;
beforeEach(async (context) => {
  const { failed, stderr } = await execa('unshare', [...CONTAINED.slice(1), 'true'], { reject: false });
  if (failed) return context.skip(`no process namespace can be made here: ${stderr}`);
  dir = await mkdtemp(join(tmpdir(), 'spica-blind-'));
  const templates = { default: await makeTemplate(join(dir, 'template')) };
  const retention = { max_instances: 1, keep_after_lease: '0s', blind_keep: '1d' };
  offline = await makeOfflinePool(dir, { retention, templates });
  const now = systemClock.now();
  for (const [id, { used, discarded }] of Object.entries(INSTANCES)) {
    const lastLeasedAt = used === null ? null : now - (used + 1) * HOUR_MS;
    const lease =
      used === null
        ? null
        : { owner: 'a', tokenHash: '0'.repeat(64), expiresAt: now - used * HOUR_MS, since: null };
    await offline.add(id, 40, { lastLeasedAt, lease, discarded });
  }
  return () => rm(dir, { recursive: true });
});

async function spicaContained(...args: string[]) {
  const [program = '', ...rest] = [...CONTAINED, process.execPath, MAIN, ...args];
  return execa(program, rest, { env: offline.io().env as Record<string, string>, reject: false });
}

it('where it cannot be seen who uses an instance, what was leased stays for blind_keep after its lease', async () => {
  const run = await spicaContained('prune', '--offline', '--json');
  const { pruned } = JSON.parse(run.stdout);
  const expected = Object.entries(INSTANCES).flatMap(([id, { goes }]) => (goes ? [id] : []));
  expect(pruned.map(({ id }: { id: string }) => id).sort()).toEqual(expected);
});

it('not even who chooses it has it deleted, and each is told why', async () => {
  const named = await spicaContained('prune', '--offline', '--dry-run', 'spica-0002', '--json');
  expect(JSON.parse(named.stdout).items).toEqual([
    expect.objectContaining({
      action: 'keep',
      rule: 'blind',
      reason: expect.stringMatching(/may be in use unseen.*blind_keep is 1d/),
    }),
  ]);
  const { stdout } = await spicaContained('doctor', '--json');
  const { findings } = JSON.parse(stdout);
  expect(findings).toContainEqual({
    check: 'processes that may use pool main',
    level: 'warn',
    found: expect.stringMatching(/cannot be seen: processes outside of this container.*kept for 1d/),
    advice: expect.stringContaining('--pid=host'),
  });
});
