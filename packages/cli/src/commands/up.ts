import { systemClock } from '@spica/core';
import { createLogger, startRuntime } from '@spica/workers';
import { loadConfig } from '../context/config.ts';
import { choosePools } from '../context/pool.ts';
import { parsePort } from '../input/numbers.ts';
import type { Invocation } from '../io.ts';
import { writeStack } from '../output/stack.ts';
import { startBoard } from '../stack/board.ts';
import { growWithWork } from '../stack/memory.ts';
import { openStackRedis } from '../stack/redis.ts';
import { EXIT_NOW, listenForStop } from '../stack/signals.ts';

export interface ServeOptions {
  readonly port?: string;
}

/**
 * `spica up`: serves the config's pools until it is told to stop: SIGTERM or Ctrl-C finishes or hands back what runs, a
 * second one ends at once. Exit 4 when the embedded Redis is gone for good.
 */
export async function up({ io, options }: Invocation<ServeOptions>): Promise<number> {
  const loaded = await loadConfig(io, options, parsePort(options.port));
  const config = choosePools(loaded.config, options.pool);
  const level = options.verbose ? 'debug' : config.log.level;
  const logger = createLogger({ level, pretty: io.stderr.isTTY === true });
  const opened: { close(): Promise<void> }[] = [];
  let endNow: () => void = () => undefined;
  const stop = listenForStop(io, () => {
    endNow();
    io.exit(EXIT_NOW);
  });
  try {
    const redis = await openStackRedis(config, logger);
    opened.push({ close: () => redis.stop() });
    endNow = () => redis.kill();
    const runtime = await startRuntime({ config, target: redis.target, clock: systemClock, logger });
    opened.push(runtime);
    const board = await startBoard({ config, logger });
    opened.push(board);
    growWithWork();
    writeStack(io, { runtime, boardUrl: board.url, redis: redis.description, json: options.json === true });
    logger.info({ board: board.url, audit: runtime.auditPath, redis: redis.description }, 'spica is up');
    const signal = await Promise.race([stop.first, redis.lost]);
    logger.info({ signal }, 'shutting down; once more to end at once');
    return 0;
  } finally {
    for (const each of opened.reverse()) await each.close();
    stop.dispose();
  }
}
