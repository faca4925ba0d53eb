import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '@spica/core';
import type { RedisTarget } from './connection.ts';

/** Longest path that a unix socket may have (sun_path is 108 bytes with its NUL on Linux). */
const SOCKET_PATH_BYTES = 107;

/** Where this config's Redis is: REDIS_URL, or the socket of the embedded one in the state directory. */
export function redisTargetOf(config: Config): RedisTarget {
  return config.redis.url === null
    ? { socket: embeddedSocketOf(config.stateDir) }
    : { url: config.redis.url };
}

/** The embedded Redis's socket; in the system's temporary directory where the state directory's path is too long. */
export function embeddedSocketOf(stateDir: string): string {
  return socketOf(stateDir, 'redis.sock', '.sock');
}

/** The socket of the HTTP API, likewise. */
export function apiSocketOf(stateDir: string): string {
  return socketOf(stateDir, 'api.sock', '-api.sock');
}

function socketOf(stateDir: string, name: string, ending: string): string {
  const socket = join(stateDir, name);
  if (Buffer.byteLength(socket) <= SOCKET_PATH_BYTES) return socket;
  const digest = createHash('sha256').update(stateDir).digest('hex').slice(0, 16);
  return join(tmpdir(), `spica-${digest}${ending}`);
}
