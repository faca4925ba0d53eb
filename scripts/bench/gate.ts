import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { connectWorker, type RedisTarget, submitRequest } from '@spica/queues';
import { createLogger, startEmbeddedRedis } from '@spica/workers';
import { FlowProducer, QueueEvents, Worker } from 'bullmq';
import { aRequest, startStack } from '../../test/support/stack.ts';
import { readFlags } from '../flags.ts';
import { median } from './figures.ts';
import { makeTemplate } from './template.ts';

const REQUESTS = 500;
const ROUNDS = 3;

/**
 * Requests per second through the gate with an empty template, from the first submit to the last request's end, at gate
 * concurrency 1 and 8, against bare BullMQ two-job flows (a parent and its child that do nothing) on the same Redis.
 */
export async function run(args: string[]): Promise<void> {
  readFlags('bench gate', { args, options: {} });
  const dir = await mkdtemp(join(tmpdir(), 'spica-bench-gate-'));
  const logger = createLogger({ level: 'warn', pretty: true });
  const redis = await startEmbeddedRedis({ stateDir: join(dir, 'state'), logger });
  try {
    const template = join(dir, 'template');
    await makeTemplate(template, { files: 0, bytes: 0 });
    const figures = { bare: [] as number[], gate1: [] as number[], gate8: [] as number[] };
    for (let round = 0; round < ROUNDS; round += 1) {
      figures.bare.push(await bareFlows(redis.target, round));
      figures.gate1.push(await gated(redis.target, template, 1));
      figures.gate8.push(await gated(redis.target, template, 8));
    }
    const bare = median(figures.bare);
    console.log(`\n${REQUESTS} requests of one instance, median of ${ROUNDS} rounds:`);
    for (const [name, rates] of Object.entries(figures)) {
      const rate = median(rates);
      console.log(
        `  ${name.padEnd(6)} ${rate.toFixed(0).padStart(6)} requests/s   ${(rate / bare).toFixed(2)} × bare`,
      );
    }
  } finally {
    await redis.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

async function gated(target: RedisTarget, template: string, concurrency: number): Promise<number> {
  const stack = await startStack({
    target,
    templates: { default: template },
    settings: {
      'concurrency.gate': concurrency,
      'concurrency.spawn': 8,
      'pools.main.retention.max_instances': REQUESTS * 2,
    },
  });
  try {
    await stack.spawn(); // prepares the template
    const start = performance.now();
    const ids = await Promise.all(
      Array.from({ length: REQUESTS }, () =>
        submitRequest(stack.queues, aRequest('main'), { key: null, clock: systemClock }),
      ),
    );
    await Promise.all(ids.map((id) => stack.watcher.wait(id)));
    return REQUESTS / ((performance.now() - start) / 1000);
  } finally {
    await stack.close();
    const redis = connectWorker(target);
    await redis.flushall();
    redis.disconnect();
  }
}

async function bareFlows(target: RedisTarget, round: number): Promise<number> {
  const connections = Array.from({ length: 4 }, () => connectWorker(target));
  const [produce, parents, children, listen] = connections;
  if (!produce || !parents || !children || !listen) throw new Error('no connections');
  const prefix = `{bare:${round}}`;
  const flows = new FlowProducer({ connection: produce, prefix });
  const nothing = async () => undefined;
  const workers = [
    new Worker('parent', nothing, { connection: parents, prefix, concurrency: 8 }),
    new Worker('child', nothing, { connection: children, prefix, concurrency: 8 }),
  ];
  const events = new QueueEvents('parent', { connection: listen, prefix });
  await Promise.all([...workers.map((worker) => worker.waitUntilReady()), events.waitUntilReady()]);
  let ended = 0;
  const all = Promise.withResolvers<void>();
  events.on('completed', () => {
    ended += 1;
    if (ended === REQUESTS) all.resolve();
  });
  const start = performance.now();
  const flow = { name: 'p', queueName: 'parent', children: [{ name: 'c', queueName: 'child' }] };
  await Promise.all(Array.from({ length: REQUESTS }, () => flows.add(flow)));
  await all.promise;
  const rate = REQUESTS / ((performance.now() - start) / 1000);
  await Promise.all([...workers.map((worker) => worker.close()), events.close(), flows.close()]);
  for (const connection of connections) connection.disconnect();
  return rate;
}
