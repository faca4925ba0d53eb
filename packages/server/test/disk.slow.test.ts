import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { mountTmpfs } from '../../../test/support/mount.ts';
import type { Server } from '../src/index.ts';
import { openPool, serve, startRedis, type TestRedis } from './served.ts';

const SPACE = { availableBytes: 5e9, totalBytes: 9e9, freeInodes: null, totalInodes: null };

let redis: TestRedis;
let server: Server;
let looks = 0;
let answer = Promise.withResolvers<typeof SPACE>();
beforeAll(async () => {
  redis = await startRedis();
  const hanging = () => {
    looks += 1;
    return answer.promise;
  };
  server = await serve(redis.redis, [openPool('main', redis.redis, hanging)]);
});
afterAll(async () => {
  await server.close();
  await redis.close();
});

it('looks at a disk that hangs once, however many ask and for however long, and anew for those that ask later', async () => {
  const ask = async (path: string) => (await fetch(new URL(path, server.url))).text();
  const paths = ['/healthz', '/metrics', '/healthz', '/metrics'];
  for (let round = 0; round < 2; round += 1) {
    const [health] = await Promise.all(paths.map(ask));
    expect(JSON.parse(health ?? '').pools.main).toMatchObject({
      instances: 0,
      disk: { problem: 'the disk of pool main has not answered within 2s' },
    });
  }
  expect(looks).toBe(1);

  answer.resolve(SPACE);
  await answer.promise;
  answer = Promise.withResolvers();
  answer.resolve({ ...SPACE, availableBytes: 4e9 });
  expect(await ask('/metrics')).toContain('spica_available_bytes{pool="main"} 4000000000');
  expect(looks).toBe(3); // one of them for all that had asked meanwhile
});

it('ends where the disk of its socket takes no writes any more, and says that the socket is left there', async (context) => {
  const disk = await mountTmpfs({ bytes: 1e6 });
  if ('skipped' in disk) return context.skip(disk.skipped);
  onTestFinished(() => disk.unmount());
  const doomed = await serve(redis.redis, [], { socket: join(disk.dir, 'api.sock') });
  execFileSync('mount', ['-o', 'remount,ro', disk.dir]);
  await expect(doomed.close()).rejects.toMatchObject({ code: 'EROFS' });
  await expect(fetch(new URL('/healthz', doomed.url))).rejects.toThrow('fetch failed');
});
