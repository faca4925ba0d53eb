import { rm } from 'node:fs/promises';
import { createServer, type Server as NetServer } from 'node:net';
import { SpicaError } from '@spica/core';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  closeQueues,
  connectProducer,
  countWorkers,
  openQueues,
  redisRefusalOf,
  requireWorker,
  toRedisError,
  watchWorker,
} from '../../src/index.ts';
import { type Server, startServer, urlFor } from './server.ts';

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const SET = "return redis.call('set', KEYS[1], '1')";

/** What Redis answers to a command, alone, in a script and in a transaction, as Spica's codes. */
async function codesOf(redis: Redis): Promise<(string | undefined)[]> {
  const answers = await Promise.allSettled([
    redis.set('key', '1'),
    redis.eval(SET, 1, 'key'),
    redis.multi().set('key', '1').exec(),
  ]);
  return answers.map((answer) =>
    answer.status === 'rejected' ? toRedisError(answer.reason, 'here')?.code : 'taken',
  );
}

const refusedAs = (error: unknown) => toRedisError(error, 'here')?.code;

const thrice = (code: string) => [code, code, code];

describe('a Redis that takes no writes', () => {
  afterEach(async () => {
    await server.redis.config('SET', 'maxmemory', '0');
    await server.redis.config('SET', 'min-replicas-to-write', '0');
    await server.redis.config('SET', 'replica-serve-stale-data', 'yes');
    await server.redis.replicaof('NO', 'ONE');
  });

  it('is recognised by its code, also from within a script or a transaction', async () => {
    const { redis } = server;
    expect(await codesOf(redis)).toEqual(thrice('taken'));
    await redis.config('SET', 'maxmemory', '1');
    expect(await codesOf(redis)).toEqual(thrice('REDIS_OOM'));
    await redis.config('SET', 'maxmemory', '0');
    await redis.config('SET', 'min-replicas-to-write', '1');
    expect(await codesOf(redis)).toEqual(thrice('REDIS_NOREPLICAS'));
    await redis.config('SET', 'min-replicas-to-write', '0');
    await redis.replicaof('127.0.0.1', 1);
    expect(await codesOf(redis)).toEqual(thrice('REDIS_READONLY'));
    await redis.config('SET', 'replica-serve-stale-data', 'no');
    await expect(redis.get('key').catch(refusedAs)).resolves.toBe('REDIS_MASTERDOWN');
  });

  it('since it cannot save is recognised by its code', async () => {
    const own = await startServer();
    onTestFinished(() => own.stop());
    await own.redis.config('SET', 'save', '1 1');
    await rm(own.dir, { recursive: true });
    await own.redis.bgsave();
    await expect.poll(() => codesOf(own.redis)).toEqual(thrice('REDIS_MISCONF'));
  });

  it('since a script runs for long refuses connections by that code', async () => {
    const { redis, url } = server;
    await redis.config('SET', 'busy-reply-threshold', '10');
    const other = new Redis(url);
    const script = other.eval('while true do end', 0).catch(() => undefined);
    await expect.poll(async () => (await codesOf(redis))[0]).toBe('REDIS_BUSY');
    await expect(connectProducer({ url })).rejects.toMatchObject({ code: 'REDIS_BUSY', kind: 'unreachable' });
    await redis.script('KILL');
    await script;
    other.disconnect();
  });

  it('since it is loading is recognised by its code once it has been waited for', async () => {
    const first = await startServer();
    await first.redis.call('DEBUG', 'POPULATE', '5000');
    await first.redis.save();
    await first.stop({ keep: true });
    const settings = ['--key-load-delay', '2000', '--loading-process-events-interval-bytes', '1024'];
    const second = await startServer(settings, first.dir);
    onTestFinished(() => second.stop());
    await expect(connectProducer({ url: second.url })).rejects.toMatchObject({
      code: 'REDIS_LOADING',
      message: `Redis at ${second.url} is still loading what it has saved (LOADING): try again in a moment`,
    });
  });
});

describe('a Redis with users', () => {
  afterAll(() => server.redis.call('ACL', 'SETUSER', 'default', 'nopass'));

  it('refuses who gives no password, or a wrong one', async () => {
    const { redis, url } = server;
    await redis.call('ACL', 'SETUSER', 'default', 'resetpass', '>right');
    await expect(connectProducer({ url })).rejects.toMatchObject({ code: 'REDIS_NOAUTH' });
    const wrong = connectProducer({ url: urlFor(server, 'default', 'wrong') });
    await expect(wrong).rejects.toMatchObject({ code: 'REDIS_WRONGPASS' });
    await expect(wrong).rejects.not.toThrow('wrong@');
    const right = await connectProducer({ url: urlFor(server, 'default', 'right') });
    expect(await right.ping()).toBe('PONG');
    right.disconnect();
    await redis.call('ACL', 'SETUSER', 'default', 'nopass');
  });

  it('refuses what a user may not do, also from within a script', async () => {
    await server.redis.call('ACL', 'SETUSER', 'reader', 'on', '>pw', '~*', '&*', '+@all', '-set');
    const redis = await connectProducer({ url: urlFor(server, 'reader', 'pw') });
    expect(await codesOf(redis)).toEqual(thrice('REDIS_NOPERM'));
    redis.disconnect();
  });

  it('may refuse CONFIG and CLIENT: connections work, and the workers are not known', async () => {
    await server.redis.call(
      'ACL',
      'SETUSER',
      'tenant',
      'on',
      '>pw',
      '~*',
      '&*',
      '+@all',
      '-config',
      '-client',
    );
    const redis = await connectProducer({ url: urlFor(server, 'tenant', 'pw') });
    const queues = openQueues('main', redis);
    expect((await countWorkers(redis, 'main')).gate).toBeNull();
    const served = { pool: 'main', queue: 'gate' } as const;
    await requireWorker(redis, served);
    const over = new AbortController();
    const watched = watchWorker(redis, served, { signal: over.signal });
    watched.catch(() => over.abort()); // one that ends by itself
    const looks = vi.spyOn(redis, 'client');
    await expect.poll(() => looks.mock.calls.length).toBeGreaterThan(2); // it goes on looking
    over.abort(new Error('enough'));
    await expect(watched).rejects.toMatchObject({ cause: { message: 'enough' } });
    await queues.gate.add('request', {});
    expect(await queues.gate.getWaitingCount()).toBe(1);
    await closeQueues(queues);
    redis.disconnect();
    await server.redis.flushall();
  });
});

describe('a cluster', () => {
  it('that does not work, or has the keys elsewhere, is recognised by its code', async () => {
    const cluster = await startServer(['--cluster-enabled', 'yes']);
    onTestFinished(() => cluster.stop());
    expect((await codesOf(cluster.redis))[0]).toBe('REDIS_CLUSTERDOWN');
    await cluster.redis.cluster('ADDSLOTSRANGE', 0, 16383);
    await expect.poll(() => codesOf(cluster.redis)).toEqual(thrice('taken')); // 2 s after its start
    const apart = cluster.redis.mget('a', 'b').catch((error: unknown) => error);
    expect(redisRefusalOf(await apart)).toMatchObject({ code: 'REDIS_CROSSSLOT', passes: false });
    await expect(connectProducer({ url: `${cluster.url}/1` })).rejects.toMatchObject({
      code: 'REDIS_DATABASE',
    });
  });

  it.each([
    ['MOVED 3999 127.0.0.1:6381', 'REDIS_MOVED'],
    ['ASK 3999 127.0.0.1:6381', 'REDIS_ASK'],
    ['TRYAGAIN Multiple keys request during rehashing of slot', 'REDIS_TRYAGAIN'],
  ])('answers %s: code %s', (reply, code) => {
    const error = Object.assign(new Error(reply), { name: 'ReplyError' });
    expect(toRedisError(error, 'here')).toMatchObject({
      code,
      message: expect.stringMatching(/^Redis at here is|^Redis at here belongs/),
      details: { reply },
    });
  });
});

describe('a Redis that lacks something', () => {
  it('does not know a command: its arguments are not repeated', async () => {
    const error = await server.redis.call('FLUSHDBX', 'secret').catch((reason: unknown) => reason);
    const refused = toRedisError(error, null);
    expect(refused).toMatchObject({
      code: 'REDIS_UNKNOWN_COMMAND',
      details: { reply: "ERR unknown command 'FLUSHDBX'" },
    });
    const script = await server.redis.eval("return redis.call('nope')", 0).catch((reason: unknown) => reason);
    expect(toRedisError(script, null)?.code).toBe('REDIS_UNKNOWN_COMMAND');
  });

  it('has no database of that number, instead of taking the first one', async () => {
    await expect(connectProducer({ url: `${server.url}/99` })).rejects.toMatchObject({
      code: 'REDIS_DATABASE',
      message: expect.stringContaining('redis://host:port/0'),
    });
  });

  it('is older than is needed', async () => {
    const old = await startOld('5.0.14');
    onTestFinished(() => void old.server.close());
    await expect(connectProducer({ url: old.url })).rejects.toMatchObject({
      code: 'REDIS_TOO_OLD',
      message: `Redis at ${old.url} is version 5.0.14, and Spica needs 6.2 or later: upgrade it, best to 7`,
    });
  });

  it('answers what nobody foresaw: quoted, with a code all the same', async () => {
    await server.redis.set('text', 'a');
    const error = await server.redis.hget('text', 'a').catch((reason: unknown) => reason);
    expect(toRedisError(error, null)).toMatchObject({
      code: 'REDIS_ERROR',
      kind: 'unreachable',
      message: expect.stringContaining('WRONGTYPE Operation against a key'),
    });
  });
});

it('says nothing of errors that are not answers of Redis', () => {
  const errors = [
    new Error('OOM command not allowed'),
    new SpicaError('check', 'A', 'MISCONF'),
    'BUSY',
    null,
  ];
  expect(errors.map(redisRefusalOf)).toEqual([null, null, null, null]);
});

it("finds the reason in a script's error as Redis 6 words it", () => {
  const reply =
    'ERR Error running script (call to f_1a): @user_script:1: @user_script: 1: -MISCONF Redis is configured';
  const error = Object.assign(new Error(reply), { name: 'ReplyError' });
  expect(redisRefusalOf(error)?.code).toBe('REDIS_MISCONF');
});

/** Answers as a Redis of that version does to what a client says first. */
async function startOld(version: string): Promise<{ url: string; server: NetServer }> {
  const info = `# Server\r\nredis_version:${version}\r\nloading:0\r\n`;
  const old = createServer((connection) => {
    connection.on('error', () => undefined);
    connection.on('data', (chunk) => {
      for (const word of chunk
        .toString()
        .toLowerCase()
        .matchAll(/\r\n(hello|client|info)\r\n/g)) {
        connection.write(
          word[1] === 'info' ? `$${info.length}\r\n${info}\r\n` : `-ERR unknown command '${word[1]}'\r\n`,
        );
      }
    });
  });
  await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve));
  const address = old.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return { url: `redis://127.0.0.1:${port}`, server: old };
}
