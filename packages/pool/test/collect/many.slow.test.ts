import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { collectInstance } from '../../src/index.ts';

const MANY = 20_000;

test('20,000 files are collected, and the process answers meanwhile', async () => {
  const base = await mkdtemp(join(tmpdir(), 'spica-collect-many-'));
  const [dir, to] = [join(base, 'pool', 'spica-0123456789ab'), join(base, 'results')];
  await mkdir(join(dir, 'out'), { recursive: true });
  await mkdir(to);
  // Names of the same 1,000 files: as much work to collect, and less to make.
  const names =
    'mkdir 1 && (cd 1 && seq 1000 | split -l 1 -a 3 - f) && for d in $(seq 2 20); do cp -al 1 $d; done';
  execFileSync('sh', ['-c', names], { cwd: join(dir, 'out') });
  const before = [process.threadCpuUsage(), process.cpuUsage()] as const;
  const { files } = await collectInstance({
    id: 'spica-0123456789ab',
    experiment: null,
    dir,
    patterns: ['out/**'],
    to,
    parts: ['spica-0123456789ab'],
    as: 'directory',
    at: 0,
    mostBytes: 1e9,
    mostFrom: 'collect_max_gb',
    floor: { minFreeSpaceGb: 0, minFreeInodesPercent: 0 },
    own: null,
  });
  const spent = ({ user, system }: NodeJS.CpuUsage) => user + system;
  const here = spent(process.threadCpuUsage(before[0]));
  const inAll = spent(process.cpuUsage(before[1]));
  expect(files).toBe(MANY);
  const copied = await readdir(join(to, 'spica-0123456789ab/out'), { recursive: true });
  expect(copied).toHaveLength(MANY + 20);
  expect(here).toBeLessThan(inAll / 3); // a thread of its own does it, so that this one is not held up
  await rm(base, { recursive: true });
});
