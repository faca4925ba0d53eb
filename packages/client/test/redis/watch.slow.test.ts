import { expect, it, onTestFinished } from 'vitest';
import { Spica } from '../../src/index.ts';
import { openRedisTransport } from '../../src/redis/index.ts';
import type { PoolEvent } from '../../src/view.ts';
import { serveOver } from '../suite/serve.ts';

const serve = serveOver({ connect: ({ server }) => Spica.connect({ redisUrl: server.url, pool: 'main' }) });

it('tells all who watch of what changes, that Redis is away, and how the pool stands when it is back', async () => {
  const { stack, spica, server } = await serve({});
  const transport = await openRedisTransport(stack.target, { pool: 'main' });
  const over = new AbortController();
  onTestFinished(() => transport.close());
  const seen = [0, 1, 2].map((): PoolEvent[] => []);
  const watching = seen.map(async (events) => {
    for await (const event of transport.watch({ signal: over.signal })) events.push(event);
  });
  const all = (test: (event: PoolEvent) => boolean) => () => seen.every((events) => events.some(test));
  await expect.poll(all(({ event }) => event === 'pool')).toBe(true);
  const { instances } = await (await spica.spawn({ count: 2 })).ready();
  const ids = instances.map(({ id }) => id).sort();
  const has = (name: 'instances' | 'requests', id = '') =>
    all(
      (each) =>
        (each.event === 'instances' || each.event === 'requests') &&
        each.event === name &&
        each.data.ids?.includes(id) === true,
    );
  await expect.poll(has('instances', ids[0])).toBe(true);
  await expect.poll(has('instances', ids[1])).toBe(true);
  await expect.poll(all((each) => each.event === 'pool' && each.data.instances === 2)).toBe(true);
  const [request] = (await transport.requests({})).items;
  await expect.poll(has('requests', request?.id)).toBe(true);
  await instances[0]?.pin('the champion');
  await expect.poll(all((each) => each.event === 'audit' && each.data.action === 'pin_instance')).toBe(true);

  await server.kill();
  await expect.poll(all(({ event }) => event === 'away')).toBe(true);
  const before = seen.map((events) => events.length);
  await server.restart();
  const isBack = () =>
    seen.every((events, i) => events.slice(before[i]).some(({ event }) => event === 'pool'));
  await expect.poll(isBack).toBe(true);
  // The connection of `spica` tries again by itself, and may be the later one.
  await expect
    .poll(() =>
      instances[1]?.pin('the second').then(
        () => true,
        () => false,
      ),
    )
    .toBe(true);
  await expect
    .poll(all((each) => each.event === 'audit' && each.data.reason?.endsWith('the second') === true))
    .toBe(true);
  over.abort(new Error('enough'));
  await Promise.all(watching);
});
