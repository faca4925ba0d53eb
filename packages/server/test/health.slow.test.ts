import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Server } from '../src/index.ts';
import { idleWorkers, openPool, serve, startRedis, type TestRedis } from './served.ts';

describe('/healthz', () => {
  let redis: TestRedis;
  let server: Server;
  let workers: { close(): Promise<void> };
  const ask = () => fetch(new URL('/healthz', server.url));

  beforeAll(async () => {
    redis = await startRedis();
    const gone = async () => Promise.reject(new Error('no marker there'));
    workers = await idleWorkers('main', redis.redis);
    server = await serve(redis.redis, [openPool('main', redis.redis), openPool('away', redis.redis, gone)]);
  });
  afterAll(async () => {
    await server.close();
    await workers.close();
    await redis.close();
  });

  it('reports each pool, whether it is served, by how many workers, and how its disk is', async () => {
    const response = await ask();
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      status: 'ok',
      version: '1.2.3',
      pools: {
        main: {
          state: 'served',
          workers: { gate: 1, spawn: 1, prune: 1, sample: 1 },
          instances: 0,
          heldRequests: 0,
          pressure: null,
          disk: { availableBytes: 61e9, floorBytes: 20e9 },
        },
        away: {
          state: 'unserved',
          workers: { gate: 0, spawn: 0, prune: 0, sample: 0 },
          instances: 0,
          heldRequests: 0,
          pressure: null,
          disk: { problem: 'no marker there' },
        },
      },
    });
  });

  it('is ready once each of its pools is served, and says so to everybody', async () => {
    const ready = async () => (await fetch(new URL('/readyz', server.url))).status;
    expect(await ready()).toBe(503);
    const more = await idleWorkers('away', redis.redis);
    expect(await ready()).toBe(200);
    await more.close();
    expect(await ready()).toBe(503);
  });

  it('answers 503 with the reason, in time and to all who ask, while Redis hangs; and 200 once it goes on', async () => {
    redis.signal('SIGSTOP');
    const responses = await Promise.all(Array.from({ length: 20 }, ask));
    for (const response of responses) {
      expect(response.status).toBe(503);
      expect(await response.json()).toMatchObject({
        status: 'unreachable',
        reason: 'Redis has not answered within 2s',
      });
    }
    const board = await fetch(new URL('/queues/api/queues', server.url));
    expect([board.status, await board.json()]).toEqual([
      503,
      { error: expect.stringMatching(/^Redis (has not answered within 2s|is out of reach)$/) }, // whoever asks first
    ]);
    redis.signal('SIGCONT');
    await redis.redis.ping();
    expect((await ask()).status).toBe(200);
  });
});
