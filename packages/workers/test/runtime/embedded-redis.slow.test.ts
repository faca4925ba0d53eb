import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
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

it('is not started where another one hangs', async () => {
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
  // Which says nothing of what was kept: it stays where it is.
  await mkdir(join(stateDir, 'redis', 'appendonlydir', 'appendonly.aof.manifest'), { recursive: true });
  await expect(start()).rejects.toMatchObject({
    code: 'REDIS_START_FAILED',
    message: expect.stringMatching(/the embedded Redis did not start: .*manifest/i),
  });
  expect(await readdir(stateDir)).not.toContainEqual(expect.stringContaining('damaged'));
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

/** What may be lost of the files that Redis keeps, by power cuts and bad disks. */
const DAMAGES: Readonly<Record<string, (dir: string) => Promise<void>>> = {
  'zero bytes within a text': (dir) => overwrite(join(dir, INCR), (text) => text.indexOf('v'.repeat(70)) + 3),
  'zero bytes across commands': (dir) => overwrite(join(dir, INCR), (text) => text.lastIndexOf('*3') - 32),
  'a manifest of other bytes': (dir) => writeFile(join(dir, 'appendonly.aof.manifest'), 'garbage\n'),
  'a manifest of zero bytes': (dir) => overwrite(join(dir, 'appendonly.aof.manifest'), () => 0),
  'a base of zero bytes': (dir) => overwrite(join(dir, 'appendonly.aof.1.base.rdb'), () => 4),
  'a base that is gone': (dir) => rm(join(dir, 'appendonly.aof.1.base.rdb')),
};
const INCR = 'appendonly.aof.1.incr.aof';

async function overwrite(path: string, at: (text: string) => number): Promise<void> {
  const text = await readFile(path, 'latin1');
  const file = await open(path, 'r+');
  await file.write(Buffer.alloc(64), 0, 64, at(text));
  await file.close();
}

it.each(Object.keys(DAMAGES))(
  'sets %s aside under a dated name, starts empty, and says so',
  async (damage) => {
    const first = await start();
    await ask(first, async (client) => {
      for (let key = 0; key < 20; key += 1) await client.set(`key-${key}`, 'v'.repeat(100));
    });
    await first.stop();
    await DAMAGES[damage]?.(join(stateDir, 'redis', 'appendonlydir'));
    const logged: string[] = [];
    const logger = pino({ level: 'error' }, { write: (line) => logged.push(line) });
    const second = await startEmbeddedRedis({ stateDir, logger });
    running.push(second);
    expect(await ask(second, (client) => client.dbsize())).toBe(0);
    const [aside = ''] = (await readdir(stateDir)).filter((name) => name.startsWith('redis.damaged-'));
    expect(aside).toMatch(/^redis\.damaged-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d+Z$/);
    expect(await readdir(join(stateDir, aside, 'appendonlydir'))).toContain(INCR);
    expect(logged).toHaveLength(1);
    expect(logged[0]).toContain(join(stateDir, aside));
    expect(logged[0]).toContain('the catalog is rebuilt from the disk, and deletions wait');
  },
);

it('goes on with a file whose end alone was lost, as Redis does', async () => {
  const first = await start();
  await ask(first, (client) => client.mset('a', '1', 'b', '2'));
  await ask(first, (client) => client.set('c', '3'));
  await first.stop();
  const file = join(stateDir, 'redis', 'appendonlydir', INCR);
  await truncate(file, (await stat(file)).size - 5);
  expect(await ask(await start(), (client) => client.mget('a', 'b', 'c'))).toEqual(['1', '2', null]);
  expect(await readdir(stateDir)).not.toContainEqual(expect.stringContaining('damaged'));
});
