import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { collectInstance } from '../../src/index.ts';

const MANY = 100_000;

test('100,000 files are collected, and the process answers meanwhile', async () => {
  const base = await mkdtemp(join(tmpdir(), 'spica-collect-many-'));
  const [dir, to] = [join(base, 'pool', 'spica-0123456789ab'), join(base, 'results')];
  await mkdir(join(dir, 'out'), { recursive: true });
  await mkdir(to);
  // Names of the same 1,000 files: as much work to collect, and less to make.
  const names =
    'mkdir 1 && (cd 1 && seq 1000 | split -l 1 -a 3 - f) && for d in $(seq 2 100); do cp -al 1 $d; done';
  execFileSync('sh', ['-c', names], { cwd: join(dir, 'out') });
  let slowestMs = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    slowestMs = Math.max(slowestMs, performance.now() - last);
    last = performance.now();
  }, 5);
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
  clearInterval(timer);
  expect(files).toBe(MANY);
  const copied = await readdir(join(to, 'spica-0123456789ab/out'), { recursive: true });
  expect(copied).toHaveLength(MANY + 100);
  expect(slowestMs).toBeLessThan(2_000); // all of it takes many times as long as the longest wait
  await rm(base, { recursive: true });
}, 300_000);
