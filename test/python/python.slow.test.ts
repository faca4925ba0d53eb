import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planReplicas, replicaPlanHash } from '@spica/core';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CLIENT, describePython, describeServed, type PythonSite } from './served.ts';

describeServed('the Python client', (served) => {
  it.each(['test_client', 'test_spawn'])(
    'passes its own tests against a served pool: %s',
    async (module) => {
      const tests = join(CLIENT, 'test');
      const args = ['-W', 'error', '-m', 'unittest', '-v', module];
      const { exitCode, stderr } = await served().python(args, { PYTHONPATH: `${CLIENT}:${tests}` });
      expect(exitCode, stderr).toBe(0);
      expect(stderr).toMatch(/Ran \d\d? tests/);
    },
    240_000,
  );

  it('has the replica plan, and its hash, that the TypeScript client has', async () => {
    const instances = ['spica-00000000000a', 'spica-00000000000b'];
    const qtime = { epochs: 2, slices_per_epoch: 2, replicas_per_slice: 3 };
    const script = `
import json, sys, spica_spawn
plan = spica_spawn.plan_replicas(*json.loads(sys.argv[1]))
print(json.dumps([plan, spica_spawn.replica_plan_hash(plan)]))`;
    const { stdout, stderr } = await served().python(['-c', script, JSON.stringify([instances, qtime])]);
    const plan = planReplicas(instances, qtime);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual([plan, replicaPlanHash(plan)]);
  });

  it('goes on through a restart of the server and its Redis: nothing is lost, nothing spawned twice', async () => {
    const script = `
import spica, sys
client = spica.Client(patience="3m")
with client.spawn(count=10, experiment="restart", lease="5m").wait() as batch:
    held = client.spawn(experiment="restart", max_wait="1h")
    print("held", flush=True)
    sys.stdin.readline()
    batch[0].score(0.5)
    batch[0].check()
    client.pin(batch[0].id, "the gate makes room for the one that is held")
    print(batch[0].id, flush=True)
(instance,) = held.wait()
print(instance.id, flush=True)`;
    const running = served().start(['-c', script]);
    const told = lines(running);
    expect(await told.next()).toBe('held');
    await served().up.kill('SIGTERM');
    running.stdin.end('\n'); // its score has to wait
    await served().site.up();
    const [scored, held] = [await told.next(), await told.next()];
    const { exitCode, stderr } = await running;
    expect([exitCode, stderr]).toEqual([0, '']);
    const { stdout } = await served().site.spica('ls', '--json');
    const { instances } = JSON.parse(stdout) as { instances: Listed[] };
    const ofRequest = Object.groupBy(instances, ({ request }) => request);
    const [first, second] = [scored, held].map((id) => instances.find((each) => each.id === id));
    expect(first?.score).toBe(0.5);
    expect(second && ofRequest[second.request]).toHaveLength(1);
    expect(instances.map(({ experiment }) => experiment)).toEqual(instances.map(() => 'restart'));
  });
});

interface Listed {
  readonly id: string;
  readonly request: string;
  readonly experiment: string | null;
  readonly score: number | null;
}

/** What a program prints, line by line. */
function lines(running: ReturnType<PythonSite['start']>) {
  const iterator = running.iterable();
  return { next: async () => (await iterator.next()).value };
}

describePython('installing the Python client', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'spica-python-'));
  });
  afterAll(() => rm(dir, { recursive: true }));

  const outside = { extendEnv: false, reject: false } as const;
  const env = () => ({ PATH: process.env['PATH'] ?? '', HOME: dir, SPICA_STATE_DIR: dir });

  it('takes `pip install` with no network and no other package', async ({ skip }) => {
    const venv = join(dir, 'venv');
    const make = (...more: string[]) =>
      execa('python3', ['-m', 'venv', ...more, venv], { ...outside, env: env() });
    const install = (file: string, ...args: string[]) => {
      const offline = ['--no-index', '--disable-pip-version-check', CLIENT];
      return execa(file, [...args, 'install', ...offline], { ...outside, env: env(), cwd: dir });
    };
    // By the machine's pip where there is one: to unpack another takes three times as long as all the rest.
    let made = await make('--without-pip');
    let installed = await install('python3', '-m', 'pip', '--python', join(venv, 'bin/python'));
    if (/No module named pip|no such option: --python/.test(installed.stderr)) {
      made = await make();
      installed = await install(join(venv, 'bin/pip'));
    }
    if (made.exitCode !== 0) return skip(`python3 cannot make a virtual environment here: ${made.stderr}`);
    expect(installed.exitCode, installed.stderr).toBe(0);
    const imported = await execa(
      join(venv, 'bin/python'),
      ['-c', 'import spica, spica_spawn; print(spica.__file__)'],
      { ...outside, env: env(), cwd: dir },
    );
    expect(imported.stdout).toContain(venv);
    const command = await execa(join(venv, 'bin/spica-spawn'), ['list'], {
      ...outside,
      env: env(),
      cwd: dir,
    });
    expect([command.exitCode, command.stderr]).toEqual([4, expect.stringContaining('start `spica up`')]);
  });

  it('is one file each, to be copied beside a script', async () => {
    for (const file of ['spica.py', 'spica_spawn.py']) await copyFile(join(CLIENT, file), join(dir, file));
    const run = await execa('python3', ['spica_spawn.py', 'list'], { ...outside, env: env(), cwd: dir });
    expect([run.exitCode, run.stdout]).toEqual([4, '']);
  });
});
