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

const logger = createLogger({ level: 'silent', pretty: false });

/** A site with a Redis of its own; both end with the test. */
async function aSite() {
  const server = await startLocal();
  onTestFinished(() => server.stop());
  const dir = await mkdtemp(join(tmpdir(), 'spica-runtime-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const target = { url: server.url };
  const config = stackConfig(dir, { target, templates: {} });
  await mkdir(config.stateDir);
  const redis = await connectProducer(target);
  onTestFinished(() => redis.disconnect());
  /** Redis takes a moment to see that a connection has ended. */
  const expectNoOther = () =>
    expect
      .poll(async () =>
        String(await redis.client('LIST'))
          .trim()
          .split('\n'),
      )
      .toHaveLength(1);
  return { dir, target, config, redis, expectNoOther };
}

it('a start that fails late leaves no worker, no queue and no claim behind', async () => {
  const { dir, target, config, redis, expectNoOther } = await aSite();
  const pool = await initPool({ name: 'main', root: join(dir, 'pool'), clock: systemClock });
  const wrong = { ...config, prune: { pattern: '99 99 * * *' } };
  await expect(startRuntime({ config: wrong, target, clock: systemClock, logger })).rejects.toThrow('99');
  const queues = openQueues('main', redis);
  for (const queue of Object.values(queues)) expect(await queue.getWorkers()).toEqual([]);
  await expectNoOther();
  await (await lockPool(pool, { clock: systemClock })).release();
});

it('a start that cannot open its audit log leaves no connection, which would hold the process, behind', async () => {
  const { dir, target, config, expectNoOther } = await aSite();
  await initPool({ name: 'main', root: join(dir, 'pool'), clock: systemClock });
  await mkdir(join(config.stateDir, 'audit.jsonl'));
  await expect(startRuntime({ config, target, clock: systemClock, logger })).rejects.toMatchObject({
    code: 'AUDIT_UNWRITABLE',
  });
  await expectNoOther();
});
