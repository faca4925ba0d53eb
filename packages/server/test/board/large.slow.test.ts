import { afterAll, beforeAll, expect, it } from 'vitest';
import { aRequest } from '../../../../test/support/stack.ts';
import type { Server } from '../../src/index.ts';
import { openPool, serve, startRedis, type TestRedis } from '../served.ts';

const ENDED = 20_000;
const BATCH = 5_000;

let redis: TestRedis;
let server: Server;
beforeAll(async () => {
  redis = await startRedis();
  server = await serve(redis.redis, [openPool('main', redis.redis), openPool('big', redis.redis)]);
});
afterAll(async () => {
  await server.close();
  await redis.close();
});

/** Puts ended requests into a pool's gate, as BullMQ keeps them: far more than Spica has it keep. */
async function fill(pool: string): Promise<void> {
  const data = JSON.stringify({ request: { ...aRequest(pool), notes: 'x'.repeat(200) }, submittedAt: 0 });
  const key = `{spica:${pool}}:gate:`;
  for (let start = 0; start < ENDED; start += BATCH) {
    const batch = redis.redis.pipeline();
    for (let index = start; index < start + BATCH; index += 1) {
      const id = `req-${index.toString(16).padStart(12, '0')}`;
      const times = ['timestamp', index, 'processedOn', index, 'finishedOn', index];
      batch.hset(key + id, 'name', 'request', 'data', data, 'opts', '{}', 'returnvalue', '{}', ...times);
      batch.zadd(`${key}${index % 10 === 0 ? 'failed' : 'completed'}`, index, id);
    }
    await batch.exec();
  }
}

it('reads for its first views of 20,000 ended jobs no more than what they show', async () => {
  await fill('main');
  const sent = async () => Number(/total_net_output_bytes:(\d+)/.exec(await redis.redis.info('stats'))?.[1]);
  for (const view of [
    '/queues/api/queues?page=1&jobsPerPage=10',
    '/queues/api/queues?activeQueue=main.gate&status=latest&page=1&jobsPerPage=10',
    '/queues/api/queues?activeQueue=main.gate&status=completed&page=800&jobsPerPage=10',
  ]) {
    const before = await sent();
    const response = await fetch(new URL(view, server.url));
    const { queues } = (await response.json()) as { queues: { jobs: unknown[] }[] };
    expect((await sent()) - before, view).toBeLessThan(200_000); // all of them are 8 million bytes
    expect(queues).toHaveLength(8);
  }
});
