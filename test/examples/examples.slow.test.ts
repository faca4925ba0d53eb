import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leaseInForce } from '@spica/core';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CliStack, startCliStack } from '../../packages/cli/test/stack.ts';
import { COMPILED, MAIN } from '../support/spica.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples');

let cli: CliStack;
let dir: string;
beforeAll(async () => {
  cli = await startCliStack();
  dir = await mkdtemp(join(tmpdir(), 'spica-examples-'));
  await mkdir(join(dir, 'bin'));
  await writeFile(join(dir, 'bin/spica'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  await chmod(join(dir, 'bin/spica'), 0o755);
});
afterAll(async () => {
  await cli.close();
  await rm(dir, { recursive: true });
});

/** Runs an example as its reader would: with `spica` on the path, and an environment that names the pool. */
async function example(name: string, ...args: string[]) {
  const known = cli.io().env as Record<string, string>;
  const env = { ...COMPILED, ...known, PATH: `${join(dir, 'bin')}:${known['PATH']}`, HOME: dir };
  const file = join(EXAMPLES, name);
  const [program, rest] = name.endsWith('.ts') ? [process.execPath, [file, ...args]] : [file, args];
  const { stdout, stderr, exitCode } = await execa(program, rest, {
    env,
    extendEnv: false,
    reject: false,
    cwd: dir,
  });
  return { stdout, stderr, exitCode };
}

async function instancesOf(experiment: string) {
  const all = await Array.fromAsync(cli.stack.ctx.catalog.list());
  const now = Date.now();
  return all
    .filter(({ record }) => record.experiment === experiment)
    .map(({ record }) => ({
      id: record.id,
      score: record.score,
      isLeased: leaseInForce(record, now) !== null,
    }));
}

it('runner.ts scores its instances, and lets them go', async () => {
  const { stdout, exitCode } = await example('runner.ts');
  expect(exitCode).toBe(0);
  const told = stdout.split('\n').map((line) => line.split(' '));
  expect((await instancesOf('smallest')).sort((a, b) => Number(a.score) - Number(b.score))).toEqual(
    told.map(([id, score]) => ({ id, score: Number(score), isLeased: false })),
  );
});

it('sweep.ts comes closer to the best with each trial', async () => {
  const { stdout, exitCode } = await example('sweep.ts', '8');
  expect(exitCode).toBe(0);
  const { x, score } = JSON.parse(stdout);
  expect(Math.abs(x - 3)).toBeLessThan(2);
  const tried = await instancesOf('sweep');
  expect(tried).toHaveLength(8);
  expect(Math.max(...tried.map((each) => Number(each.score)))).toBeCloseTo(score);
  expect(tried.filter(({ isLeased }) => isLeased)).toEqual([]);
});

it('tournament.ts finds the champion, which stays', async () => {
  const { stdout, exitCode } = await example('tournament.ts');
  expect(exitCode).toBe(0);
  const record = JSON.parse(stdout);
  expect(record).toMatchObject({
    total_replicas: 12,
    champion: record.instances[1],
    results: { passed: 12 },
  });
  const listed = JSON.parse((await cli.spica('tournaments', '--json')).stdout);
  expect(listed.tournaments.map(({ id }: { id: string }) => id)).toEqual([record.id]);
  expect((await cli.stack.ctx.catalog.get(record.champion))?.record.pin).not.toBeNull();
});

it('agents/run.sh collects a patch of each agent, from a branch of its own', async () => {
  const { template } = cli;
  const git = (...args: string[]) =>
    execa('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], { cwd: template });
  await git('init', '--quiet');
  await git('add', '--all');
  await git('commit', '--quiet', '--message', 'Begin');
  const to = join(dir, 'patches');
  const { exitCode, stderr } = await example('agents/run.sh', '3', to);
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining('3 done, 0 failed')]);
  const patches = await Promise.all(
    (await readdir(to)).map(async (id) => {
      const name = (await readdir(join(to, id))).find((each) => each.endsWith('.patch')) ?? '';
      return [name, await readFile(join(to, id, name), 'utf8')] as const;
    }),
  );
  expect(patches.map(([name]) => name).sort()).toEqual(['agent-0.patch', 'agent-1.patch', 'agent-2.patch']);
  for (const [name, text] of patches) {
    expect(text).toContain(`Subject: [PATCH] Idea of ${name.replace('.patch', '')}`);
  }
});

it('shell.sh says which instance was best', async () => {
  const { stdout, exitCode, stderr } = await example('shell.sh', '2');
  expect([exitCode, stderr]).toEqual([0, '']);
  const instances = await instancesOf('shell');
  const best = instances.find(({ score }) => score === 2);
  expect(stdout).toBe(`best: ${best?.id}`);
  expect(instances.filter(({ isLeased }) => isLeased)).toEqual([]);
});

it('ci.sh has the exit code of the job, and its reports', async () => {
  const to = join(dir, 'artifacts');
  const { exitCode, stdout } = await example(
    'ci.sh',
    to,
    'sh',
    '-c',
    'mkdir reports; echo 3 failed | tee reports/tests.txt; exit 3',
  );
  expect([exitCode, stdout]).toEqual([3, '3 failed']);
  const [id = ''] = await readdir(to);
  expect(await readFile(join(to, id, 'reports/tests.txt'), 'utf8')).toBe('3 failed\n');
});
