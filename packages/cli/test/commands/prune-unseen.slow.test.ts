import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { makeTemplate } from '../../../../test/support/template.ts';
import { asUser } from '../../../pool/test/support/as-user.ts';
import { runCaptured } from '../capture.ts';
import { makeOfflinePool, type OfflinePool } from '../offline-pool.ts';

const IDS = ['spica-0001', 'spica-0002', 'spica-0003'] as const;
const SAID =
  /^not seen: \d+ process(es)? of other users or privileges could not be looked into: what they have open is not known; a lease keeps what they use$/m;

let dir: string;
let offline: OfflinePool;
beforeEach(async (context) => {
  if (process.getuid?.() !== 0) return context.skip('acting as another user needs root');
  dir = await mkdtemp(join(tmpdir(), 'spica-unseen-'));
  await chmod(dir, 0o755);
  return () => rm(dir, { recursive: true });
});

/** Of a user who may not look into root's processes, one of which works in the oldest instance. */
async function makePool(retention: object = {}): Promise<void> {
  const templates = { default: await makeTemplate(join(dir, 'template')) };
  offline = await makeOfflinePool(dir, { retention: { max_instances: 1, ...retention }, templates });
  for (const [age, id] of IDS.entries()) await offline.add(id, 40 - age);
  const sleeper = spawn('sleep', ['300'], { cwd: offline.pool.pathOf(IDS[0]), stdio: 'ignore' });
  onTestFinished(async () => {
    sleeper.kill('SIGKILL');
    await once(sleeper, 'exit');
  });
  await once(sleeper, 'spawn');
}

function spicaAsUser(...argv: string[]) {
  const io = offline.io();
  return asUser(dir, () => runCaptured(argv, io));
}

it('a plan, and a prune, say how many processes could not be looked into', async () => {
  await makePool();
  const planned = await spicaAsUser('prune', '--offline', '--dry-run');
  expect(planned).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(SAID) });
  const pruned = JSON.parse((await spicaAsUser('prune', '--offline', '--json')).stdout);
  expect(pruned.pruned.map(({ id }: { id: string }) => id)).toEqual(IDS.slice(0, 2));
  expect(pruned.unseen).toMatchObject({ processes: expect.any(Number), sentence: expect.any(String) });
  expect(pruned.unseen.processes).toBeGreaterThan(0);
});

it('with protect_when_unknown nothing is deleted then, and each says why', async () => {
  await makePool({ protect_when_unknown: true });
  const planned = JSON.parse((await spicaAsUser('prune', '--offline', '--dry-run', '--json')).stdout);
  const { items, pruned } = planned;
  expect(pruned).toEqual([]);
  for (const { rule, reason } of items) {
    expect([rule, reason]).toEqual([
      'unseen-processes',
      expect.stringMatching(/could not be looked into.* and protect_when_unknown keeps what they may use$/),
    ]);
  }
  const { stdout } = await spicaAsUser('prune', '--offline', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ pruned: [], kept: IDS.length });
});

it('doctor says it too, and what to do', async () => {
  await makePool();
  const find = async () => {
    const { stdout } = await spicaAsUser('doctor', '--json');
    const { findings } = JSON.parse(stdout);
    return findings.find(({ check }: { check: string }) => check === 'processes that may use pool main');
  };
  expect(await find()).toMatchObject({
    level: 'warn',
    found: expect.stringMatching(/^\d+ process(es)? .*could not be looked into/),
    advice: expect.stringContaining('protect_when_unknown'),
  });
});
