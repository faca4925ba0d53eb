import { connectWorker, prefixOf } from '@spica/queues';
import { Worker } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { Spica } from '../src/index.ts';
import { testAsking } from './suite/asking.ts';
import { testAway } from './suite/away.ts';
import { testInstances } from './suite/instances.ts';
import { testLeases } from './suite/lease.ts';
import { testOversize } from './suite/oversize.ts';
import { type Between, serveOver } from './suite/serve.ts';
import { testSpawning } from './suite/spawn.ts';
import { testTournaments } from './suite/tournament.ts';

const redis: Between = { connect: ({ server }) => Spica.connect({ redisUrl: server.url }) };

describe('over Redis', () => {
  const serve = serveOver(redis);
  testSpawning(serve);
  testLeases(serve);
  testInstances(serve);
  testAsking(serve);
  testOversize(serve);
  testAway(serve);
  testTournaments(serve);

  it('takes the only pool that is served there, and asks for its name where there are several', async () => {
    const { server, spica, stack } = await serve({}, 'sweep-3f2a1c');
    const { instances } = await (await spica.spawn({ count: 1 })).ready();
    expect(instances[0]?.path).toContain(stack.ctx.pool.paths.root);
    const connection = connectWorker({ url: server.url });
    const other = new Worker('gate', null, { connection, prefix: prefixOf('other') });
    await other.waitUntilReady();
    await expect
      .poll(() =>
        Spica.connect({ redisUrl: server.url }).then(
          (each) => each.close(),
          ({ message }) => message,
        ),
      )
      .toBe('pool: expected one of: other, sweep-3f2a1c; none was given');
    await other.close();
    connection.disconnect();
  });
});
