import { setTimeout as delay } from 'node:timers/promises';
import { type Config, systemClock } from '@spica/core';
import {
  createLogger,
  createWorkEvents,
  type Notifier,
  type Runtime,
  startNotifier,
  startRuntime,
} from '@spica/workers';
import { loadConfig } from '../context/config.ts';
import { choosePools } from '../context/pool.ts';
import { parsePort } from '../input/numbers.ts';
import type { GlobalOptions, Invocation } from '../io.ts';
import { writeStack } from '../output/stack.ts';
import { commandRunner } from '../quick/answer.ts';
import { startBoard } from '../stack/board.ts';
import { mountImages } from '../stack/images.ts';
import { createParts } from '../stack/parts.ts';
import { openStackRedis, type StackRedis } from '../stack/redis.ts';
import { reloadConfig } from '../stack/reload.ts';
import { findServiceManager } from '../stack/service-manager.ts';
import { EXIT_NOW, listenForReload, listenForStop } from '../stack/signals.ts';
import { isSound } from '../stack/sound.ts';
import { startTracing } from '../stack/tracing.ts';

export interface ServeOptions {
  readonly port?: string;
  readonly host?: string;
}

/**
 * `spica up`: serves the config's pools until it is asked to stop: SIGTERM or Ctrl-C finishes or hands back what runs, a
 * second one ends at once; a start that does not end within `shutdown_timeout` after the signal, as Redis went away in the
 * middle of it, is left as it stands. Without a terminal, as a service, SIGHUP reads the config again; with one, its end stops it.
 * A service manager that asks for it (systemd's `Type=notify`, `WatchdogSec`) is told how it stands.
 * Exit 4 when the embedded Redis is gone for good.
 */
export async function up({ io, options }: Invocation<ServeOptions>): Promise<number> {
  const load = async (): Promise<Config> => {
    const loaded = await loadConfig(io, options, { ...listenFlags(options), ...verbosity(options) });
    return choosePools(loaded.config, options.pool);
  };
  const config = await load();
  const isTerminal = io.stderr.isTTY === true;
  const logger = createLogger({ level: config.log.level, pretty: isTerminal });
  const parts = createParts(logger);
  let endNow: () => void = () => undefined;
  const again = () => {
    endNow();
    io.exit(EXIT_NOW);
  };
  const stop = listenForStop(io, again, { hangUpStops: isTerminal });
  const started = Promise.withResolvers<Runtime & Pick<Notifier, 'configure'>>();
  const manager = findServiceManager(io, logger);
  const reload = () =>
    manager.reloading(async () => reloadConfig({ load, runtime: await started.promise, logger }));
  let endWatch: () => void = () => undefined;
  const endReload = isTerminal ? () => undefined : listenForReload(io, reload);
  const start = async (redis: StackRedis): Promise<Runtime> => {
    const events = createWorkEvents(logger);
    const clock = systemClock;
    const notifier = await startNotifier({ config, env: io.env, events, clock, logger });
    parts.add(notifier); // before the runtime, to hear of how it begins; closed after it
    const runtime = await startRuntime({ config, target: redis.target, clock, logger, events });
    parts.add(runtime);
    started.resolve({ ...runtime, configure: notifier.configure });
    const board = await startBoard({
      config: runtime.config,
      logger,
      runCommand: commandRunner(io, options),
      work: { on: events.on, protection: () => protectionOf(runtime) },
    });
    parts.add(board);
    writeStack(io, {
      runtime,
      boardUrl: board.url,
      apiSocket: board.socket,
      redis: redis.description,
      json: options.json === true,
    });
    logger.info({ board: board.url, audit: runtime.auditPath, redis: redis.description }, 'spica is up');
    manager.ready(`serves ${Object.keys(config.pools).join(', ')}`);
    endWatch = manager.watch((ms) => isSound({ runtime, target: redis.target, logger }, ms));
    return runtime;
  };
  let failures: readonly unknown[] = [];
  try {
    await mountImages(config, logger);
    parts.add(await startTracing(config, logger)); // before any queue is opened; what has not gone out goes last
    const redis = await openStackRedis(config, logger);
    parts.add({ close: () => redis.stop() });
    endNow = () => redis.kill();
    const late = stop.first.then(() => delay(config.shutdownTimeoutMs, null, { ref: false }));
    const runtime = await Promise.race([start(redis), redis.lost, late]);
    if (runtime === null) {
      logger.warn(
        'asked to stop, but the start does not end: it is left in the middle; the next one goes on',
      );
    } else {
      const signal = await Promise.race([stop.first, redis.lost, runtime.lost]);
      logger.info({ signal }, 'shutting down; once more to end at once');
    }
  } finally {
    endReload();
    manager.stopping();
    failures = await parts.close();
    endWatch();
    stop.dispose();
    io.endAfter(); // a start that was left would hold the process
  }
  if (failures.length > 0) throw failures[0];
  return 0;
}

function protectionOf({ pools }: Runtime) {
  return [...pools.values()].map(({ pool, gate, clockGuard }) => ({
    pool: pool.name,
    ...gate.protected.counts(clockGuard.now()),
  }));
}

/** Where to listen, over what the config says. */
export function listenFlags({ port, host }: ServeOptions): Record<string, unknown> {
  return { ...parsePort(port), 'server.host': host };
}

function verbosity({ verbose }: GlobalOptions): Record<string, unknown> {
  return verbose ? { 'log.level': 'debug' } : {};
}
