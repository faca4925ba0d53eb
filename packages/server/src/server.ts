import type { Clock } from '@spica/core';
import { singleFlight } from '@spica/pool';
import Fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import type { Logger } from 'pino';
import { addBoard } from './board/board.ts';
import { addHealth } from './health/health.ts';
import { guard } from './listen/guard.ts';
import { listen } from './listen/listen.ts';
import { loopbackAddressOf } from './listen/loopback.ts';
import { addMetrics } from './metrics/metrics.ts';
import type { ServerPool } from './pool.ts';
import { createProbe } from './probe.ts';

/** How long Redis may take to answer before it counts as out of reach. */
const PROBE_MS = 2_000;

export interface ServerOptions {
  /** A loopback address, or `localhost`. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly pools: readonly ServerPool[];
  /** Asks the Redis that the pools' queues and catalogs are on. Rejects, saying why, when it is out of reach. */
  readonly ping: () => Promise<unknown>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly version: string;
}

export interface Server {
  /** Where it listens, without a path: `http://127.0.0.1:3737`. */
  readonly url: string;
  /** Lets go of the port and ends every connection. The pools stay open. */
  close(): Promise<void>;
}

/**
 * Starts the dashboard: Bull Board at `/queues`, `/healthz`, `/metrics`. It stays up and says so when Redis goes away.
 * Throws UsageError SERVER_HOST_REFUSED, CheckError PORT_IN_USE or SERVER_START_FAILED.
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { clock, version } = options;
  // A disk that hangs takes one thread of Node's few, not one more for each who asks.
  const pools = options.pools.map((pool) => ({
    ...pool,
    readSpace: singleFlight(() => pool.readSpace()),
    readImage: singleFlight(() => pool.readImage()),
  }));
  const address = await loopbackAddressOf(options.host);
  const loggerInstance: FastifyBaseLogger = options.logger.child({ component: 'server' });
  const probe = createProbe(options.ping, PROBE_MS);
  // An open board asks every few seconds: single requests would bury what else the log says.
  const logController = new LogController({ disableRequestLogging: true });
  const app = Fastify({ loggerInstance, logController, forceCloseConnections: true });
  guard(app);
  addHealth(app, { pools, probe, clock, version });
  addMetrics(app, { pools, probe, clock, version });
  await addBoard(app, { pools, probe });
  const url = await listen(app, address, options.port);
  return { url, close: () => app.close() };
}
