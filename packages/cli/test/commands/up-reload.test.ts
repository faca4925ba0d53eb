import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectProducer, openQueues } from '@spica/queues';
import { expect, it, onTestFinished } from 'vitest';
import { makeTemplate } from '../../../../test/support/template.ts';
import { capture, runCaptured } from '../capture.ts';

it('reads the config again at SIGHUP: what can change does, and a wrong file changes nothing', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'spica-reload-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const template = await makeTemplate(join(dir, 'template'));
  const file = join(dir, 'spica.yaml');
  const env = { PATH: process.env['PATH'] ?? '', SPICA_CONFIG: file, SPICA_STATE_DIR: join(dir, 'state') };
  const put = async (text: string) => {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file); // a reload may be reading it
  };
  const write = (most: number, every: string) =>
    put(
      JSON.stringify({
        pools: {
          main: {
            root: './pool',
            templates: { default: template },
            retention: { max_instances: most },
            disk: { ballast_mb: 0 },
          },
        },
        prune: { every },
        log: { level: 'silent' },
      }),
    );
  await write(3, '1h');
  expect((await runCaptured(['init'], capture({ env }))).exitCode).toBe(0);
  const io = capture({ env });
  const running = runCaptured(['up', '--port', '0', '--json'], io);
  const [printed] = await once(io.stdout, 'data');
  const { board } = JSON.parse(String(printed)) as { board: string };
  const maxInstances = async () => {
    const metrics = await (await fetch(new URL('/metrics', board))).text();
    return /^spica_max_instances\{pool="main"\} (\d+)$/m.exec(metrics)?.[1];
  };
  const redis = await connectProducer({ socket: join(dir, 'state', 'redis.sock') });
  onTestFinished(() => redis.disconnect());
  const { prune } = openQueues('main', redis);
  const everyMs = async () => (await prune.getJobScheduler('prune-schedule'))?.every;
  expect([await maxInstances(), await everyMs()]).toEqual(['3', 3_600_000]);

  await write(7, '2h');
  io.signals.emit('SIGHUP', 'SIGHUP');
  await expect.poll(everyMs).toBe(7_200_000);
  expect(await maxInstances()).toBe('7');

  await put('pools: { main: { retention: { max_instances: -1 } } }');
  io.signals.emit('SIGHUP', 'SIGHUP');
  await write(8, '3h');
  io.signals.emit('SIGHUP', 'SIGHUP'); // it goes on reading the config, whatever became of the wrong one
  await expect.poll(everyMs).toBe(10_800_000);
  expect(await maxInstances()).toBe('8');
  io.signals.emit('SIGTERM', 'SIGTERM');
  expect((await running).exitCode).toBe(0);
});
