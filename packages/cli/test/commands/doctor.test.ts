import { chmod, mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCatalog } from '@spica/catalog';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { makeTemplate } from '../../../../test/support/template.ts';
import { type Captured, capture, runCaptured } from '../capture.ts';
import { makeOfflinePool } from '../offline-pool.ts';
import { startQueues, type TestQueues } from '../redis.ts';

const PATH = process.env['PATH'] ?? '';

let test: TestQueues;
let dir: string;
beforeAll(async () => {
  test = await startQueues();
  dir = await mkdtemp(join(tmpdir(), 'spica-doctor-'));
});
afterAll(async () => {
  await test.close();
  await rm(dir, { recursive: true });
});

interface Finding {
  readonly check: string;
  readonly level: string;
  readonly found: string;
  readonly advice: string | null;
}

async function examine(io: Captured) {
  const { exitCode, stdout } = await runCaptured(['doctor', '--json'], io);
  const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: Finding[] };
  const of = (check: string) => findings.find((finding) => finding.check === check);
  return { exitCode, ok, findings, of };
}

it('finds nothing to fail where all is as it should be, and says what is not there yet', async () => {
  const offline = await makeOfflinePool(dir, {
    templates: { default: await makeTemplate(join(dir, 'template')) },
  });
  const io = offline.io({ env: { SPICA_STATE_DIR: test.stateDir } });
  const { exitCode, ok, of, findings } = await examine(io);
  expect(findings.filter(({ level }) => level === 'fail')).toEqual([]);
  expect([exitCode, ok]).toEqual([0, true]);
  expect(of('Redis')?.found).toMatch(/^\d+\.\d+\.\d+ at /);
  expect(of('Redis memory')).toMatchObject({ level: 'ok' });
  expect(of('Redis persistence')).toMatchObject({ level: 'ok', found: 'append-only file' });
  expect(of('worker of pool main')).toMatchObject({ level: 'warn', advice: 'start one with `spica up`' });
  expect(of('clock of pool main')).toMatchObject({ level: 'ok' });
  for (const check of ['mount', 'permissions', 'leftovers in', 'reconcile']) {
    const found = findings.find((finding) => finding.check.startsWith(check));
    expect(found, check).toMatchObject({ level: 'ok' });
  }
  // Both are in the directory for temporary files.
  expect(of('Redis beside pool main')).toMatchObject({
    level: 'warn',
    found: expect.stringContaining(test.stateDir),
    advice: expect.stringContaining('SPICA_STATE_DIR'),
  });
  expect(of('ballast of pool main')).toMatchObject({ level: 'warn' });
});

const PROBES = ['path_validation', 'bounded_iteration', 'error_handling', 'audit_logging', 'dry_run_support'];

it('tries what Spica promises in a pool of its own, of which nothing is left', async () => {
  const io = capture({ env: { PATH } });
  const scratch = join(dir, 'scratch');
  await mkdir(scratch);
  vi.stubEnv('TMPDIR', scratch);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  const { findings } = await examine(io);
  const tried = findings.filter(({ check }) => PROBES.includes(check));
  expect(tried.map(({ check }) => check).sort()).toEqual(PROBES.toSorted());
  expect(tried.filter(({ level }) => level !== 'ok')).toEqual([]);
  expect(await readdir(scratch)).toEqual([]);
});

it('names what a killed worker left, what is no instance, what others may read, and an old reconcile', async () => {
  const offline = await makeOfflinePool(join(dir, 'left'));
  const { paths } = offline.pool;
  const half = join(paths.staging, 'half');
  for (const path of [half, join(paths.root, 'notes')]) await mkdir(path);
  const [hours, now] = [3, Date.now()];
  const then = new Date(now - hours * 3_600_000);
  await utimes(half, then, then);
  await chmod(paths.records, 0o755);
  await createCatalog({ redis: test.redis, pool: 'main' }).noteRun('reconcile', then.getTime());
  const { of } = await examine(offline.io({ env: { SPICA_STATE_DIR: test.stateDir } }));
  expect(of('leftovers in pool main')).toMatchObject({
    level: 'warn',
    found: expect.stringMatching(
      /^1 clone that nobody has touched.*; 1 in its root that Spica does not know: notes$/,
    ),
  });
  expect(of('permissions of pool main')).toMatchObject({
    level: 'warn',
    advice: expect.stringContaining(`chmod go-rwx ${paths.records}`),
  });
  expect(of('reconcile of pool main')).toMatchObject({ level: 'warn', found: expect.stringContaining('3h') });
});

it('fails for a Redis that may drop jobs, a pool that is not there, and an audit log that was changed', async () => {
  const io = capture({ env: { PATH, SPICA_STATE_DIR: test.stateDir } });
  await test.redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
  await test.redis.config('SET', 'appendonly', 'no');
  await writeFile(join(test.stateDir, 'audit.jsonl'), '{"seq":1,"forged":true}\n');
  const { exitCode, of } = await examine(io);
  await test.redis.config('SET', 'maxmemory-policy', 'noeviction');
  expect(exitCode).toBe(1);
  expect(of('Redis memory')).toMatchObject({ level: 'fail', found: expect.stringContaining('allkeys-lru') });
  expect(of('Redis persistence')).toMatchObject({ level: 'warn' });
  expect(of('pool main')).toMatchObject({ level: 'fail', advice: expect.stringContaining('spica init') });
  expect(of('template default of pool main')).toMatchObject({ level: 'fail' });
  expect(of('audit log')).toMatchObject({ level: 'fail', advice: '`spica audit verify` lists every place' });
  await rm(join(test.stateDir, 'audit.jsonl'));
});

it('compares the memory that Redis uses with its limit, and tries a write', async () => {
  const offline = await makeOfflinePool(join(dir, 'memory'));
  const used = Number(/used_memory:(\d+)/.exec(await test.redis.info('memory'))?.[1]);
  const limit = (bytes: number) => test.redis.config('SET', 'maxmemory', String(Math.round(bytes)));
  const look = () => examine(offline.io({ env: { SPICA_STATE_DIR: test.stateDir } }));
  onTestFinished(async () => {
    await limit(0);
  });
  await limit(used * 100);
  expect((await look()).of('Redis memory')?.found).toMatch(/ in use of .* \(maxmemory\)/);
  await limit(used * 0.5);
  const full = await look();
  expect(full.exitCode).toBe(1);
  expect(full.of('Redis memory')).toMatchObject({
    level: 'fail',
    found: expect.stringMatching(/so it refuses writes$/),
  });
  expect(full.of('Redis writes')).toMatchObject({
    level: 'fail',
    found: expect.stringContaining('has no memory left for writes (OOM)'),
    advice: expect.stringContaining('spica prune --offline'),
  });
  await limit(0);
  expect((await look()).of('Redis writes')).toMatchObject({ level: 'ok' });
});

it('names each program that is missing and the package that has it', async () => {
  const { exitCode, findings } = await examine(capture({ env: { PATH: dir } }));
  expect(exitCode).toBe(1);
  expect(findings).toContainEqual({
    check: 'tools',
    level: 'fail',
    found: 'rsync was not found',
    advice: 'install it (Debian, Ubuntu: apt-get install rsync)',
  });
});

it('looks at the rest where Redis does not answer, and says so on a terminal with what to do below', async () => {
  const url = 'redis://127.0.0.1:1';
  const io = capture({ tty: true, env: { PATH, REDIS_URL: url } });
  const { exitCode, stdout } = await runCaptured(['doctor'], io);
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(
    /^fail {2}Redis: Redis at redis:\/\/127\.0\.0\.1:1.* is out of reach.*\n +→ start it/m,
  );
  expect(stdout).toMatch(/^fail {2}pool main: /m);
  const embedded = await examine(capture({ env: { PATH } }));
  expect(embedded.of('Redis')).toMatchObject({ level: 'warn', advice: 'start it with `spica up`' });
});

it('fails for a template that is refused, and warns of one that its author probably did not mean so', async () => {
  const place = join(dir, 'templates');
  const [refused, warned] = [await makeTemplate(join(place, 'a')), await makeTemplate(join(place, 'b'))];
  await writeFile(join(refused, '.templateignore'), '.venv/\n!\n');
  await symlink(join(warned, 'data'), join(warned, 'to-data'));
  const offline = await makeOfflinePool(place, { templates: { refused, warned } });
  const { exitCode, of } = await examine(offline.io({ env: { SPICA_STATE_DIR: test.stateDir } }));
  expect(exitCode).toBe(1);
  expect(of('template refused of pool main')).toMatchObject({
    level: 'fail',
    found: expect.stringContaining('.templateignore: line 2, `!`: it makes rsync forget'),
  });
  expect(of('template warned of pool main')).toMatchObject({
    level: 'warn',
    found: expect.stringMatching(/^to-data: absolute links into the template/),
    advice: expect.stringContaining('ln -sr'),
  });
});
