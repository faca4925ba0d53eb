import { createCatalog } from '@spica/catalog';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { capture, runCaptured } from './capture.ts';
import { startQueues, type TestQueues } from './redis.ts';

const PATH = process.env['PATH'] ?? '';

let test: TestQueues;
beforeAll(async () => {
  test = await startQueues();
});
afterAll(() => test.close());

const ELSEWHERE = 'pool main: its disk is on host far, at /srv/pool';

const run = (command: string) =>
  runCaptured([command, '--json'], capture({ env: { PATH, SPICA_STATE_DIR: test.stateDir } }));

it("says on which host a pool's disk is, and advises no `spica init` where it is not", async () => {
  const server = {
    token: '1',
    pid: 1,
    startTicks: '1',
    boot: 'b',
    host: 'far',
    purpose: 'spica up',
    since: 'then',
  };
  await createCatalog({ redis: test.redis, pool: 'main' }).serve(
    { id: 'a', method: 'copy', root: '/srv/pool' },
    server,
  );
  const [status] = JSON.parse((await run('status')).stdout).pools;
  expect(status.problem).toEqual({ code: 'POOL_ELSEWHERE', message: ELSEWHERE });
  const { findings } = JSON.parse((await run('doctor')).stdout);
  const failed = findings.filter(({ level }: { level: string }) => level === 'fail');
  expect(failed).toEqual([]); // its templates are there as well
  expect(findings).toContainEqual(expect.objectContaining({ level: 'warn', found: ELSEWHERE }));
});
