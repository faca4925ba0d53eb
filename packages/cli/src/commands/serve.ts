import { makeStateDirPrivate } from '@spica/pool';
import { describeTarget, redisTargetOf } from '@spica/queues';
import { createLogger } from '@spica/workers';
import { loadConfig } from '../context/config.ts';
import { openOwnCatalog } from '../context/own-catalog.ts';
import { choosePools } from '../context/pool.ts';
import { withRedis } from '../context/redis.ts';
import type { Invocation } from '../io.ts';
import { writeFields, writeJson } from '../output/write.ts';
import { commandRunner } from '../quick/answer.ts';
import { startBoard } from '../stack/board.ts';
import { EXIT_NOW, listenForStop } from '../stack/signals.ts';
import { startTracing } from '../stack/tracing.ts';
import { listenFlags, type ServeOptions } from './up.ts';

/**
 * `spica serve`: the dashboard and the HTTP API alone, over pools that others serve, until SIGTERM or Ctrl-C; a second one ends at once.
 * Redis has to answer when it starts; after that it waits for it to come back.
 */
export async function serve({ io, options }: Invocation<ServeOptions>): Promise<number> {
  const loaded = await loadConfig(io, options, listenFlags(options));
  const config = choosePools(loaded.config, options.pool);
  const level = options.verbose ? 'debug' : config.log.level;
  const logger = createLogger({ level, pretty: io.stderr.isTTY === true });
  // Fails with what every command says, and how to start it.
  await withRedis(config, async (redis) => {
    for (const policy of Object.values(config.pools)) await openOwnCatalog(redis, policy);
  });
  await makeStateDirPrivate(config.stateDir); // for the socket of the API: on this host nobody may have served yet
  const stop = listenForStop(io, () => io.exit(EXIT_NOW));
  try {
    await using _tracing = await startTracing(config, logger);
    const board = await startBoard({ config, logger, runCommand: commandRunner(io, options) });
    const [url, redis] = [`${board.url}/queues`, describeTarget(redisTargetOf(config))];
    const pools = Object.keys(config.pools);
    logger.info({ board: url, pools, redis }, 'the dashboard is up');
    if (options.json)
      writeJson(io.stdout, {
        pid: process.pid,
        pools,
        page: board.url,
        board: url,
        api: { url: `${board.url}/v1`, socket: board.socket },
        redis,
      });
    else if (io.stdout.isTTY)
      writeFields(io.stdout, [
        ['page', `${board.url} (\`spica open\` logs in)`],
        ['queues', url],
        ['HTTP API', `${board.url}/v1`],
        ['stop', 'Ctrl-C'],
      ]);
    const signal = await stop.first;
    logger.info({ signal }, 'shutting down');
    await board.close();
    return 0;
  } finally {
    stop.dispose();
  }
}
