import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectProducer } from '@spica/queues';
import { execa } from 'execa';
import { pino } from 'pino';
import { beforeEach, expect, it } from 'vitest';
import { isRunning } from '../../../../test/support/process.ts';
import { type EmbeddedRedis, startEmbeddedRedis } from '../../src/runtime/embedded-redis.ts';

const PARENT = fileURLToPath(new URL('./parent.ts', import.meta.url));
const logger = pino({ level: 'silent' });

let stateDir: string;
let running: EmbeddedRedis[];
const start = async (dir = stateDir) => {
  const redis = await startEmbeddedRedis({ stateDir: dir, logger });
  running.push(redis);
  return redis;
};
const ask = async <T>(
  { target }: EmbeddedRedis,
  work: (redis: Awaited<ReturnType<typeof connectProducer>>) => Promise<T>,
) => {
  const redis = await connectProducer(target);
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
};

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'spica-embedded-'));
  running = [];
  return async () => {
    await Promise.all(running.map((redis) => redis.stop()));
    await rm(stateDir, { recursive: true });
  };
});

it('answers on a socket in the state directory, for its user alone, and on no port', async () => {
  const redis = await start();
  expect(redis.target).toEqual({ socket: join(stateDir, 'redis.sock') });
  expect((await stat(join(stateDir, 'redis.sock'))).mode & 0o777).toBe(0o700);
  const settings = await ask(redis, (client) =>
    client.config('GET', 'port', 'appendonly', 'maxmemory-policy'),
  );
  expect(settings).toEqual(
    expect.arrayContaining(['port', '0', 'appendonly', 'yes', 'maxmemory-policy', 'noeviction']),
  );
});

it('keeps what it was told over a stop, and over a kill', async () => {
  const first = await start();
  await ask(first, (client) => client.set('a', '1'));
  await first.stop();
  const second = await start();
  expect(await ask(second, (client) => client.get('a'))).toBe('1');
  await ask(second, (client) => client.set('b', '2'));
  process.kill(second.pid, 'SIGKILL');
  await second.ended;
  expect(await ask(await start(), (client) => client.mget('a', 'b'))).toEqual(['1', '2']);
});

it('is not started where another one runs, and says whose it is', async () => {
  const first = await start();
  await expect(start()).rejects.toMatchObject({
    code: 'REDIS_IN_USE',
    message: expect.stringContaining(`(process ${first.pid})`),
  });
  expect(await ask(first, (client) => client.ping())).toBe('PONG');
});

it('is not started where another one hangs', { timeout: 20_000 }, async () => {
  const first = await start();
  process.kill(first.pid, 'SIGSTOP');
  try {
    await expect(start()).rejects.toMatchObject({
      code: 'REDIS_IN_USE',
      message: expect.stringContaining('(it does not answer)'),
    });
  } finally {
    process.kill(first.pid, 'SIGCONT');
  }
  expect(await ask(first, (client) => client.ping())).toBe('PONG');
});

it('takes over the socket of one that was killed', async () => {
  const first = await start();
  process.kill(first.pid, 'SIGKILL');
  await first.ended;
  expect(await readdir(stateDir)).toContain('redis.sock');
  expect(await ask(await start(), (client) => client.ping())).toBe('PONG');
});

it('runs where the path of its state directory is too long for a socket', async () => {
  const deep = join(stateDir, 'd'.repeat(100), 'e'.repeat(100));
  await mkdir(deep, { recursive: true });
  const redis = await start(deep);
  expect(await ask(redis, (client) => client.ping())).toBe('PONG');
  expect(await readdir(join(deep, 'redis'))).toContain('appendonlydir');
});

it('says what kept it from starting', async () => {
  await mkdir(join(stateDir, 'redis', 'appendonlydir'), { recursive: true });
  await writeFile(join(stateDir, 'redis', 'appendonlydir', 'appendonly.aof.manifest'), 'garbage\n');
  await expect(start()).rejects.toMatchObject({
    code: 'REDIS_START_FAILED',
    message: expect.stringMatching(/the embedded Redis did not start: .*manifest/i),
  });
});

it('ends with its parent, even when that is killed', async () => {
  const parent = execa(process.execPath, [PARENT, stateDir], { reject: false });
  const said = Promise.withResolvers<string>();
  parent.stdout.once('data', (chunk: Buffer) => said.resolve(chunk.toString()));
  const pid = Number(await Promise.race([said.promise, parent.then(({ stderr }) => stderr)]));
  expect(isRunning(pid)).toBe(true);
  parent.kill('SIGKILL');
  await parent;
  await expect.poll(() => isRunning(pid)).toBe(false);
  expect(await ask(await start(), (client) => client.ping())).toBe('PONG');
});
