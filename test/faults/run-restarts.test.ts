import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCatalog } from '@spica/catalog';
import { execa } from 'execa';
import { afterEach, expect, it } from 'vitest';
import { type LocalRedis, startLocal } from '../support/redis.ts';
import { makeSite, type Site } from '../support/site.ts';
import { MAIN } from '../support/spica.ts';

const RUNS = 6;

let server: LocalRedis;
let site: Site;
afterEach(async () => {
  await site.close();
  await server.stop();
});

/** `spica run`, and what it has told so far. */
function start(...args: string[]) {
  const running = execa(process.execPath, [MAIN, 'run', '--json', ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', ...site.env },
    extendEnv: false,
    reject: false,
  });
  let told = '';
  running.stdout.on('data', (chunk: Buffer) => {
    told += chunk.toString();
  });
  return { running, told: () => told };
}

it('spica run goes on through restarts of Redis, worker and server: nothing is spawned twice, no score is lost', async () => {
  server = await startLocal();
  site = await makeSite({
    redisUrl: server.url,
    retention: { max_instances: 3 },
    settings: { gate: { poll_every: '1s' } },
  });
  let up = await site.up();
  const begun = join(site.dir, 'begun');
  // Each says that it runs, and waits for its turn to end.
  const script = `
    echo $SPICA_INDEX >> ${begun}
    until [ -e ${site.dir}/go-$SPICA_INDEX ]; do sleep 0.05; done
    echo $((SPICA_INDEX + 10))`;
  const args = ['-n', String(RUNS), '-j', '2', '--experiment', 'through', '--score', 'LAST-JSON-LINE'];
  const { running, told } = start(...args, '--', 'sh', '-c', script);
  const go = (index: number) => writeFile(join(site.dir, `go-${index}`), '');
  const began = async () => (existsSync(begun) ? (await readFile(begun, 'utf8')).trim().split('\n') : []);
  const hasBegun = (count: number) => expect.poll(async () => (await began()).length).toBe(count);

  await hasBegun(2);
  await server.kill();
  await go(0); // its score, and the release of its instance, have to wait
  await expect.poll(() => told().includes('"index":0,"event":"line"')).toBe(true);
  await server.restart();
  await hasBegun(3);

  await up.kill('SIGKILL');
  await go(1);
  await expect.poll(() => told().includes('"index":1,"event":"done"')).toBe(true); // the next one waits at the gate
  up = await site.up();
  await hasBegun(4);

  await Promise.all([up.kill('SIGKILL'), server.kill()]);
  await go(2);
  await go(3);
  await expect.poll(() => /"index":3,"event":"line"/.test(told())).toBe(true);
  await server.restart();
  await site.up();
  await hasBegun(6);
  await go(4);
  await go(5);

  const { exitCode, stdout, stderr } = await running;
  expect([exitCode, stderr]).toEqual([0, '']);
  const results = stdout
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ event }) => event === 'result');
  expect(results.map(({ index, outcome, score }) => [index, outcome, score])).toEqual(
    Array.from({ length: RUNS }, (_, index) => [index, 'done', index + 10]),
  );
  expect(new Set(results.map(({ instance }) => instance)).size).toBe(RUNS);
  expect((await began()).sort()).toEqual(Array.from({ length: RUNS }, (_, index) => String(index)));
  await site.withQueues(async ({ gate }, redis) => {
    expect(await gate.getJobCountByTypes('completed', 'failed', 'waiting', 'active', 'delayed')).toBe(RUNS);
    const catalog = createCatalog({ redis, pool: 'main' });
    for await (const { record } of catalog.list()) {
      const result = results.find(({ instance }) => instance === record.id);
      expect([record.score, record.lease]).toEqual([result.score, null]);
    }
  });
});

it('a tournament goes on through a restart of Redis, worker and server: it begins once, and no score is lost', async () => {
  server = await startLocal();
  site = await makeSite({ redisUrl: server.url });
  const up = await site.up();
  const suite = join(site.dir, 'suite.yaml');
  await writeFile(suite, 'suite_id: through\ncandidates: [{ X: 1 }, { X: 2 }]\n');
  const script = `echo begun; until [ -e ${site.dir}/go ]; do sleep 0.05; done; echo $X`;
  const args = ['--tournament', suite, '-j', '2', '--score', 'LAST-JSON-LINE', '--keep', 'best'];
  const { running, told } = start(...args, '--', 'sh', '-c', script);
  await expect.poll(() => told().match(/begun/g)?.length).toBe(2);
  await Promise.all([up.kill('SIGKILL'), server.kill()]);
  await writeFile(join(site.dir, 'go'), '');
  await expect.poll(() => told().match(/"event":"done"/g)?.length).toBe(2);
  await server.restart(); // its scores wait, and its lineage for a worker
  await site.up();
  expect((await running).exitCode).toBe(0);
  const { stdout } = await site.spica('tournaments', '--json');
  const { tournaments } = JSON.parse(stdout);
  expect(tournaments).toMatchObject([{ outcome: 'finished', results: { passed: 2, failed: 0 } }]);
  const [{ instances, champion }] = tournaments;
  expect(champion).toBe(instances[1]);
  await site.withQueues(async ({ gate }, redis) => {
    expect(await gate.getJobCountByTypes('completed', 'failed', 'waiting', 'active', 'delayed')).toBe(1);
    const known = await createCatalog({ redis, pool: 'main' }).getMany(instances);
    expect(known.map(({ record: { score, lease } }) => [score, lease])).toEqual([
      [1, null],
      [2, null],
    ]);
  });
});
