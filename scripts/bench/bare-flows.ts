import { connectWorker, type RedisTarget } from '@spica/queues';
import { FlowProducer, QueueEvents, Worker } from 'bullmq';

/** BullMQ alone: how many flows of a parent and its child, which do nothing, come to their end in a second. */
export async function bareFlows(
  target: RedisTarget,
  { flows: count, prefix }: { flows: number; prefix: string },
): Promise<number> {
  const connections = Array.from({ length: 4 }, () => connectWorker(target));
  const [produce, parents, children, listen] = connections;
  if (!produce || !parents || !children || !listen) throw new Error('no connections');
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
    if (ended === count) all.resolve();
  });
  const start = performance.now();
  const flow = { name: 'p', queueName: 'parent', children: [{ name: 'c', queueName: 'child' }] };
  await Promise.all(Array.from({ length: count }, () => flows.add(flow)));
  await all.promise;
  const rate = count / ((performance.now() - start) / 1000);
  await Promise.all([...workers.map((worker) => worker.close()), events.close(), flows.close()]);
  for (const connection of connections) connection.disconnect();
  return rate;
}
