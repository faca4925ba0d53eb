import type { Sessions, Tokens } from '@spica/catalog';
import type { Transport } from '@spica/client/redis';
import { type Clock, UnreachableError } from '@spica/core';
import { singleFlight } from '@spica/pool';
import type { Logger } from 'pino';
import { createHide } from './api/hide.ts';
import { addApiPages } from './api/pages.ts';
import { registerApi } from './api/register.ts';
import { apiRoutes } from './api/routes.ts';
import { createStreams, type StreamLimits } from './api/stream.ts';
import { type App, createApp, endApp } from './app.ts';
import { addBoard } from './board/board.ts';
import { addCommand, type RunCommand } from './command.ts';
import { addHealth } from './health/health.ts';
import { listenAddressOf } from './listen/address.ts';
import type { Door } from './listen/callers.ts';
import { limitConnections } from './listen/connections.ts';
import { listen } from './listen/listen.ts';
import { listenAtSocket } from './listen/socket.ts';
import { readTls, type TlsMaterial } from './listen/tls.ts';
import { createAttempts } from './login/attempts.ts';
import { addLoginForm } from './login/form.ts';
import { addLinks, addOpenedLinks } from './login/link.ts';
import { addSession, sessionTexts } from './login/session.ts';
import { addMetrics, createMetrics } from './metrics/metrics.ts';
import type { ServedWork } from './metrics/work.ts';
import { addPage } from './page/page.ts';
import type { ServerPool } from './pool.ts';
import { createProbe } from './probe.ts';

/** How long Redis may take to answer before it counts as out of reach. */
const PROBE_MS = 2_000;

/** Of the process's file descriptors, for the connections of each door; the rest is for the pools' own work. */
const SHARES = { tcp: 0.5, socket: 0.2 };

export interface ServerOptions {
  /** An IP address, or `localhost`; any but a loopback address only where there is a token. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Files of the certificate and its key (PEM), both or neither; null for plain HTTP. */
  readonly tlsCert: string | null;
  readonly tlsKey: string | null;
  /** Calls in a minute that the HTTP API takes of one token; null for no limit. */
  readonly rateLimit: number | null;
  /** Path of the unix socket that the HTTP API is served at, too. */
  readonly socket: string;
  readonly pools: readonly ServerPool[];
  /** The pools as a client reaches them: what the HTTP API answers with. They stay open. */
  readonly transports: readonly Transport[];
  readonly tokens: Tokens;
  readonly sessions: Sessions;
  /** Directories that callers other than operators are not to see. */
  readonly paths: readonly string[];
  /** Asks the Redis that the pools' queues and catalogs are on. Rejects, saying why, when it is out of reach. */
  readonly ping: () => Promise<unknown>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly version: string;
  /** Directory of the built page; by default where this installation has it. */
  readonly pageDir?: string;
  /** What the workers of this process do, where it has some: it is counted for `/metrics`. */
  readonly work?: ServedWork;
  /** What the command has the stack of its machine do; by default nothing. */
  readonly runCommand?: RunCommand;
  /** Event streams that may be open at a time; by default as many as `createStreams` has. */
  readonly streamLimits?: StreamLimits;
  /** Connections that each door takes at a time; by default as many as leave the pools file descriptors of their own. */
  readonly mostConnections?: number;
}

export interface Server {
  /** Where it listens, without a path: `http://127.0.0.1:3737`. */
  readonly url: string;
  /** The unix socket that it serves; null where another process does. */
  readonly socket: string | null;
  /** Lets go of port and socket: event streams end, what was begun is answered, within seconds. The pools stay open. */
  close(): Promise<void>;
}

/**
 * Starts the dashboard and the HTTP API: the operator's page at `/`, Bull Board at `/queues`, `/healthz`, `/metrics`, `/v1`,
 * `/docs`; the API at a unix socket, too. It stays up and says so when Redis goes away. Throws UsageError SERVER_HOST_REFUSED or TLS_INVALID,
 * CheckError PORT_IN_USE or SERVER_START_FAILED.
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { host, port, socket, tokens, clock, tlsCert, tlsKey } = options;
  const { address, isLoopback } = await listenAddressOf(host, () => tokens.any(clock.now()));
  const tls = tlsCert !== null && tlsKey !== null ? await readTls({ cert: tlsCert, key: tlsKey }) : null;
  const ending = new AbortController();
  let url: string | null = null;
  const parts = createParts(options, { ending: ending.signal, place: () => placeOf(url) });
  const dashboard = await build({ kind: 'tcp', isLoopback }, options, { ...parts, tls });
  const local = await build({ kind: 'socket', isLoopback: true }, options, { ...parts, tls: null });
  const close = async () => {
    ending.abort();
    await Promise.all([endApp(dashboard), endApp(local)]);
    parts.metrics.close();
  };
  try {
    const removeSocket = await listenAtSocket(local, socket);
    if (removeSocket === null) {
      options.logger.info({ socket }, "another process serves the HTTP API's socket: this one does without");
    }
    url = await listen(dashboard, address, port);
    for (const transport of options.transports) void readAhead(transport, options.logger);
    return {
      url,
      socket: removeSocket && socket,
      async close() {
        try {
          await removeSocket?.();
        } finally {
          await close();
        }
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Has the instances of a pool read, so that whoever asks for them first need not wait for all of them. */
async function readAhead(transport: Transport, logger: Logger): Promise<void> {
  try {
    await transport.instances({ limit: 1 });
  } catch (error) {
    logger.debug({ err: error, pool: transport.pool }, 'the instances could not be read ahead');
  }
}

/** Where a browser of this machine reaches what listens there. Throws UnreachableError as long as nothing does. */
function placeOf(url: string | null): string {
  if (url !== null) return url.replace('//0.0.0.0', '//127.0.0.1').replace('//[::]', '//[::1]');
  throw new UnreachableError('SERVER_UNREACHABLE', 'the server is starting: ask again in a moment');
}

interface Shared {
  /** Aborted when the server ends. */
  readonly ending: AbortSignal;
  /** Where the pages are. */
  readonly place: () => string;
}

/** What both doors share. */
function createParts(options: ServerOptions, { ending, place }: Shared) {
  const { clock, version, tokens, sessions, rateLimit, paths } = options;
  // A disk that hangs takes one thread of Node's few, not one more for each who asks.
  const pools = options.pools.map((pool) => ({
    ...pool,
    readSpace: singleFlight(() => pool.readSpace()),
    readImage: singleFlight(() => pool.readImage()),
  }));
  const transports = new Map(options.transports.map((transport) => [transport.pool, transport]));
  const streams = createStreams(options.streamLimits);
  const startedAt = new Date(clock.now()).toISOString();
  const routes = apiRoutes({ transports, streams, version, startedAt });
  const known = { tokens, sessions, clock };
  const api = { routes, transports, ...known, streams, version, rateLimit, paths, ending };
  const figures = { pools, probe: createProbe(options.ping, PROBE_MS), clock, version };
  const poolNames = [...transports.keys()];
  return {
    api,
    login: { ...known, pools, attempts: createAttempts(), version, poolNames },
    place,
    figures,
    metrics: createMetrics({ ...figures, work: options.work ?? null }),
  };
}

type Parts = ReturnType<typeof createParts> & { readonly tls: TlsMaterial | null };

async function build(
  door: Door,
  { logger, version, runCommand, mostConnections, pageDir }: ServerOptions,
  { api, login, place, figures, metrics, tls }: Parts,
): Promise<App> {
  const app = createApp({ door, ...login, logger, tls });
  limitConnections(app, SHARES[door.kind], mostConnections);
  addHealth(app, figures);
  addMetrics(app, metrics);
  await registerApi(app, api);
  addApiPages(app, [...api.routes, ...sessionTexts], version);
  if (door.kind === 'tcp') {
    await addSession(app, login);
    await addLoginForm(app, login);
    addOpenedLinks(app, login);
    await addPage(app, pageDir);
    await addBoard(app, { ...figures, hideFrom: createHide(api.paths) });
    return app;
  }
  addLinks(app, login, place);
  if (runCommand) addCommand(app, runCommand);
  return app;
}
