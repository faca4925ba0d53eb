import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { initPool, lockPool } from '@spica/pool';
import { connectProducer, openQueues } from '@spica/queues';
import { expect, it, onTestFinished } from 'vitest';
import { startLocal } from '../../../../test/support/redis.ts';
import { stackConfig } from '../../../../test/support/stack.ts';
import { createLogger } from '../../src/runtime/logger.ts';
import { startRuntime } from '../../src/runtime/runtime.ts';

it('a start that fails late leaves no worker, no queue and no claim behind', async () => {
  const server = await startLocal();
  onTestFinished(() => server.stop());
  const dir = await mkdtemp(join(tmpdir(), 'spica-runtime-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const target = { url: server.url };
  const config = stackConfig(dir, { target, templates: {} });
  await mkdir(config.stateDir);
  const pool = await initPool({ name: 'main', root: join(dir, 'pool'), clock: systemClock });
  const logger = createLogger({ level: 'silent', pretty: false });
  const wrong = { ...config, prune: { pattern: '99 99 * * *' } };
  await expect(startRuntime({ config: wrong, target, clock: systemClock, logger })).rejects.toThrow('99');
  const redis = await connectProducer(target);
  onTestFinished(() => redis.disconnect());
  const queues = openQueues('main', redis);
  for (const queue of Object.values(queues)) expect(await queue.getWorkers()).toEqual([]);
  // Redis takes a moment to see that a connection has ended.
  await expect
    .poll(async () =>
      String(await redis.client('LIST'))
        .trim()
        .split('\n'),
    )
    .toHaveLength(1);
  await (await lockPool(pool, { clock: systemClock })).release();
});
