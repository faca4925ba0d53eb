import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, startEmbeddedRedis } from '@spica/workers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectObserver, connectProducer, connectWorker, describeTarget } from '../src/index.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-connection-'));
});
afterEach(() => rm(dir, { recursive: true }));

/** Takes connections and never says a word, as a Redis that hangs. */
async function startSilent(socket: string): Promise<Server> {
  const server = createServer((connection) => connection.on('error', () => undefined).resume());
  server.listen(socket);
  await once(server, 'listening');
  return server;
}

describe.each([
  ['connectProducer', connectProducer],
  ['connectObserver', connectObserver],
])('%s', (_name, connect) => {
  it('says at once that there is no Redis, and where it looked', async () => {
    const socket = join(dir, 'none.sock');
    const connecting = connect({ socket });
    await expect(connecting).rejects.toMatchObject({ code: 'REDIS_UNREACHABLE', kind: 'unreachable' });
    await expect(connecting).rejects.toThrow(`Redis at ${socket} is out of reach (connect ENOENT ${socket})`);
  });

  it('gives up on a Redis that hangs after 3 s', async () => {
    const socket = join(dir, 'silent.sock');
    const server = await startSilent(socket);
    await expect(connect({ socket })).rejects.toThrow('is out of reach (no answer within 3s)');
    server.close();
  });

  it('does not take it for silence of Redis that it was held up itself', async () => {
    const logger = createLogger({ level: 'silent', pretty: false });
    const server = await startEmbeddedRedis({ stateDir: dir, logger });
    const connecting = connect(server.target);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4_000);
    const redis = await connecting;
    expect(await redis.ping()).toBe('PONG');
    redis.disconnect();
    await server.stop();
  });
});

it('does not take it for silence of Redis that it was held up itself while an answer was on its way', async () => {
  const logger = createLogger({ level: 'silent', pretty: false });
  const server = await startEmbeddedRedis({ stateDir: dir, logger });
  const redis = await connectObserver(server.target);
  const answer = redis.ping();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 6_000); // its commands have 5 s
  expect(await answer).toBe('PONG');
  redis.disconnect();
  await server.stop();
});

it('tells of its end where it is ended while it waits to connect again', async () => {
  const logger = createLogger({ level: 'silent', pretty: false });
  const server = await startEmbeddedRedis({ stateDir: dir, logger });
  const redis = connectWorker(server.target);
  redis.on('error', () => undefined);
  await once(redis, 'ready');
  await server.stop();
  await expect.poll(() => redis.status).toBe('reconnecting');
  const ended = once(redis, 'end');
  redis.disconnect();
  await ended;
});

it('an observer fails at once while Redis is away, and goes on when it is back', async () => {
  const logger = createLogger({ level: 'silent', pretty: false });
  const first = await startEmbeddedRedis({ stateDir: dir, logger });
  const redis = await connectObserver(first.target);
  const lost = new Promise((resolve) => redis.once('close', resolve));
  await first.stop();
  await lost;
  await expect(redis.ping()).rejects.toThrow();
  const ready = new Promise((resolve) => redis.once('ready', resolve));
  const second = await startEmbeddedRedis({ stateDir: dir, logger });
  await ready;
  expect(await redis.ping()).toBe('PONG');
  redis.disconnect();
  await second.stop();
});

it('shows a target to people without user and password', () => {
  expect(describeTarget({ url: 'redis://me:secret@host:6379/2' })).toBe('redis://host:6379/2');
  expect(describeTarget({ socket: '/run/redis.sock' })).toBe('/run/redis.sock');
});
