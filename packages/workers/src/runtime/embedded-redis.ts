import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import { CheckError, systemClock } from '@spica/core';
import { connectProducer, embeddedSocketOf, type RedisTarget } from '@spica/queues';
import { execa } from 'execa';
import type { Logger } from 'pino';
import { hasHoles, saysDamaged, setAside } from './append-only-file.ts';

/** A Redis of our own: a child process that ends with us. */
export interface EmbeddedRedis {
  readonly target: RedisTarget;
  readonly pid: number;
  /** Resolves when the child has ended, whoever ended it. */
  readonly ended: Promise<void>;
  /** Has it save and end. */
  stop(): Promise<void>;
}

const READY = 'eady to accept connections';

/** Redis did not start since it can make nothing of what it has kept. */
class DamagedError extends CheckError {}

interface EmbeddedOptions {
  readonly stateDir: string;
  readonly logger: Logger;
}

/**
 * Starts `redis-server` on a unix socket in the state directory: append-only file, noeviction. It cannot outlive this
 * process: the kernel ends it with its parent. Where its append-only file is damaged, that is set aside and Redis starts
 * empty: what it held is rebuilt from the pools' disks. Throws CheckError: REDIS_SERVER_MISSING with what to install,
 * REDIS_IN_USE when another process runs one there, REDIS_START_FAILED with its last words.
 */
export async function startEmbeddedRedis(options: EmbeddedOptions): Promise<EmbeddedRedis> {
  const binary = findRedisServer();
  const dir = join(options.stateDir, 'redis');
  await checkUnused(embeddedSocketOf(options.stateDir));
  if (await hasHoles(dir)) await startOver(dir, 'a part of it is zero bytes', options);
  try {
    return await startServer(binary, dir, options);
  } catch (error) {
    if (!(error instanceof DamagedError)) throw error;
    await startOver(dir, error.message, options);
    return startServer(binary, dir, options);
  }
}

async function startOver(dir: string, reason: string, { logger }: EmbeddedOptions): Promise<void> {
  const aside = await setAside(dir, systemClock.now());
  logger.error(
    { reason, aside },
    'the append-only file of the embedded Redis is damaged: it is set aside, and Redis starts empty; the catalog is rebuilt from the disk, and deletions wait',
  );
}

async function startServer(
  binary: string,
  dir: string,
  { stateDir, logger }: EmbeddedOptions,
): Promise<EmbeddedRedis> {
  const socket = embeddedSocketOf(stateDir);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await rm(socket, { force: true });
  const args = [
    '--port',
    '0',
    '--unixsocket',
    socket,
    '--unixsocketperm',
    '700',
    '--dir',
    dir,
    '--daemonize',
    'no',
  ];
  args.push('--appendonly', 'yes', '--maxmemory-policy', 'noeviction', '--save', '', '--loglevel', 'notice');
  // Debian's redis-tools carries the server under another name; the name it is called by decides what it is.
  const server = ['bash', '-c', 'exec -a redis-server "$0" "$@"', binary, ...args];
  const child = execa('setpriv', ['--pdeathsig', 'TERM', '--', ...server], {
    stdin: 'ignore',
    stderr: 'inherit',
    cleanup: true,
    detached: true, // Ctrl-C in a terminal is for us; we end the child when the workers are done
    reject: false,
    buffer: false,
  });
  const ended = child.then(() => undefined);
  await waitUntilReady(child.stdout, ended);
  logger.debug({ pid: child.pid, socket }, 'embedded Redis is up');
  return {
    target: { socket },
    pid: child.pid ?? 0,
    ended,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function findRedisServer(): string {
  const dirs = (process.env['PATH'] ?? '').split(delimiter);
  for (const name of ['redis-server', 'redis-check-rdb']) {
    for (const dir of [...dirs, '/usr/bin', '/usr/local/bin']) {
      const path = join(dir, name);
      if (isExecutable(path)) return path;
    }
  }
  throw new CheckError(
    'REDIS_SERVER_MISSING',
    'redis-server was not found: install it (Debian, Ubuntu: apt-get install redis-tools), or set REDIS_URL',
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not for us: look on
  }
}

/** One that does not answer for now (it hangs, or loads what it has kept) is in use all the same. */
async function checkUnused(socket: string): Promise<void> {
  if (!(await isListening(socket))) return;
  const pid = await pidOf(socket).catch(() => null);
  const who = pid ? `process ${pid}` : 'it does not answer';
  throw new CheckError(
    'REDIS_IN_USE',
    `a Redis runs at ${socket} already (${who}): another \`spica up\` serves from this state directory. ` +
      'If it is that of another project, give this one a state directory of its own (SPICA_STATE_DIR)',
  );
}

/** Throws what stands in the way of asking. */
async function isListening(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    if (['ENOENT', 'ECONNREFUSED'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  } finally {
    socket.destroy();
  }
}

async function pidOf(socket: string): Promise<string | undefined> {
  const redis = await connectProducer({ socket });
  try {
    return /process_id:(\d+)/.exec(await redis.info('server'))?.[1];
  } finally {
    redis.disconnect();
  }
}

async function waitUntilReady(stdout: Readable, ended: Promise<void>): Promise<void> {
  const said: string[] = [];
  const ready = Promise.withResolvers<void>();
  stdout.on('data', (chunk: Buffer) => {
    said.push(chunk.toString());
    if (said.at(-1)?.includes(READY)) ready.resolve();
  });
  const failed = ended.then(() => {
    const log = said.join('').trim();
    const words = log.split('\n').slice(-3).join(' ');
    const Kind = saysDamaged(log) ? DamagedError : CheckError;
    throw new Kind('REDIS_START_FAILED', `the embedded Redis did not start: ${words || 'it said nothing'}`);
  });
  await Promise.race([ready.promise, failed]);
  failed.catch(() => undefined); // it ends one day; by then `ended` is what tells
  stdout.removeAllListeners('data').resume();
}
