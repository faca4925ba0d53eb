import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, startEmbeddedRedis } from '@spica/workers';
import { Redis } from 'ioredis';
import { it } from 'vitest';
import { openEvents, openQueues } from '../src/index.ts';

it('closes while Redis is away, between two attempts to reach it', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'spica-events-'));
  const server = await startEmbeddedRedis({
    stateDir,
    logger: createLogger({ level: 'silent', pretty: false }),
  });
  const path = 'socket' in server.target ? server.target.socket : '';
  const redis = new Redis(path, { retryStrategy: () => 60_000, maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  const { gate } = openQueues('main', redis);
  const { events, close } = await openEvents(gate, redis);
  const away = new Promise<void>((resolve) => events.once('ioredis:close', resolve));
  await server.stop();
  await away;
  await close();
  redis.disconnect();
  await rm(stateDir, { recursive: true });
});
