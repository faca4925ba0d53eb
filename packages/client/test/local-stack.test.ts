import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCatalog } from '@spica/catalog';
import { connectObserver } from '@spica/queues';
import { createLogger, startEmbeddedRedis } from '@spica/workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { serve } from '../../server/test/served.ts';
import { Spica } from '../src/index.ts';
import { openRedisTransport } from '../src/redis/index.ts';

describe('a client of the stack of this machine, whose API serves the pool main alone', () => {
  const ending: (() => Promise<unknown>)[] = [];
  let knowPool: (name: string) => Promise<void>;

  beforeEach(async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'spica-local-'));
    const embedded = await startEmbeddedRedis({
      stateDir,
      logger: createLogger({ level: 'silent', pretty: false }),
    });
    const redis = await connectObserver(embedded.target);
    const main = await openRedisTransport(embedded.target, { pool: 'main' });
    const server = await serve(redis, [], { transports: [main], socket: join(stateDir, 'api.sock') });
    vi.stubEnv('SPICA_STATE_DIR', stateDir);
    vi.stubEnv('SPICA_URL', '');
    vi.stubEnv('REDIS_URL', '');
    knowPool = (pool) =>
      createCatalog({ redis, pool }).identify({ id: pool, method: 'copy', root: '/nowhere' });
    ending.push(
      () => server.close(),
      () => main.close(),
      async () => redis.disconnect(),
      () => embedded.stop(),
      () => rm(stateDir, { recursive: true }),
    );
  });
  afterEach(async () => {
    for (const end of ending.splice(0)) await end();
    vi.unstubAllEnvs();
  });

  it('is told which pools there are, in place of waiting in the queue of one that there is not', async () => {
    await expect(Spica.connect({ pool: 'nope' })).rejects.toMatchObject({
      code: 'POOL_UNKNOWN',
      message: 'pool: expected one of: main, got "nope"',
    });
  });

  it('reaches a pool that another process serves with the same Redis', async () => {
    await knowPool('other');
    await using spica = await Spica.connect({ pool: 'other' });
    expect(await spica.status()).toMatchObject({ pool: 'other', served: false });
  });
});
