import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { capture, runCaptured } from '../capture.ts';
import { startQueues, type TestQueues } from '../redis.ts';

let test: TestQueues;
beforeAll(async () => {
  test = await startQueues();
});
afterAll(() => test.close());

it('serves the dashboard over pools that others serve, until it is asked to stop', async () => {
  await test.work('gate', async () => undefined);
  const io = capture({ env: { SPICA_STATE_DIR: test.stateDir } });
  const running = runCaptured(['serve', '--port', '0', '--json'], io);
  const [printed] = await once(io.stdout, 'data');
  const { pid, pools, board } = JSON.parse(String(printed));
  expect([pid, pools]).toEqual([process.pid, ['main']]);
  const health = await fetch(new URL('/healthz', board));
  expect(await health.json()).toMatchObject({
    pools: {
      main: {
        state: 'unserved',
        workers: { gate: 1, spawn: 0 },
        disk: { problem: expect.stringMatching(/./) },
      },
    },
  });
  io.signals.emit('SIGTERM', 'SIGTERM');
  expect((await running).exitCode).toBe(0);
  await expect(fetch(board)).rejects.toThrow('fetch failed');
});

it('refuses to be reached from other hosts, exits 2, and has started nothing', async () => {
  const io = capture({ env: { SPICA_STATE_DIR: test.stateDir } });
  const config = join(io.cwd, 'open.yaml');
  await writeFile(config, 'server: { host: 0.0.0.0 }\n');
  const { exitCode, stdout, stderr } = await runCaptured(['serve', '--config', config], io);
  expect([exitCode, stdout]).toEqual([2, '']);
  expect(stderr).toContain(
    'error: server.host: others than this host could reach "0.0.0.0", and there is no token',
  );
});

it('exits 4 in one line when Redis is out of reach', async () => {
  const { exitCode, stderr } = await runCaptured(['serve']);
  expect(exitCode).toBe(4);
  expect(stderr).toMatch(
    /^error: Redis at \S+redis\.sock is out of reach \(.*\): start it with `spica up`\n$/,
  );
});
