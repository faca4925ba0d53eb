import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Server } from '../src/index.ts';
import { ask } from './api/http.ts';
import { serve, startRedis, type TestRedis } from './served.ts';

describe('the dashboard', () => {
  let redis: TestRedis;
  let server: Server;

  beforeAll(async () => {
    redis = await startRedis();
    server = await serve(redis.redis, []);
  });
  afterAll(async () => {
    await server.close();
    await redis.close();
  });

  /** fetch would not let us name the Host. */
  function statusFor(host: string): Promise<number | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
    const { hostname, port } = new URL(server.url);
    request({ hostname, port, path: '/healthz', headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
    return promise;
  }

  it.each(['0.0.0.0', '::', '192.168.1.7', '128.0.0.1', '::ffff:10.0.0.1'])(
    'refuses to listen at %j, where others could reach it, as long as there is no token, and says what to do',
    async (host) => {
      const started = serve(redis.redis, [], { host });
      await expect(started).rejects.toMatchObject({ code: 'SERVER_HOST_REFUSED', kind: 'usage' });
      await expect(started).rejects.toThrow('make one first (`spica token create --role operator`)');
    },
  );

  it.each(['127.0.0.1', '127.8.7.6', 'localhost'])('listens at %s', async (host) => {
    const local = await serve(redis.redis, [], { host });
    expect((await fetch(new URL('/healthz', local.url))).status).toBe(200);
    await local.close();
  });

  it.each([
    'evil.example',
    'evil.example:80',
    '10.0.0.1',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '%',
  ])('refuses a request that came under the name %s (DNS rebinding)', async (host) => {
    expect(await statusFor(host)).toBe(403);
  });

  it.each(['localhost', 'LOCALHOST:9', '127.0.0.1', '127.0.0.1:8080', '[::1]:3737'])(
    'answers a request that came under the name %s, through a tunnel too',
    async (host) => {
      expect(await statusFor(host)).toBe(200);
    },
  );

  it.each([
    ['/%', 'url: expected a path whose every % begins a valid escape, as %20'],
    ['/v1/instances/%zz', 'url: expected a path whose every % begins a valid escape, as %20'],
    [`/v1/instances/${'a'.repeat(101)}`, 'url: expected names and ids of at most 100 characters'],
  ])('refuses the URL %s, which leads to no route, with a problem as all others', async (path, message) => {
    const { status, headers, json } = await ask(server.url, path);
    expect({ status, json }).toMatchObject({
      status: 400,
      json: { code: 'REQUEST_INVALID', kind: 'usage', status: 400, detail: message },
    });
    expect(headers).toMatchObject({
      'content-type': expect.stringMatching(/^application\/problem\+json\b/),
      'request-id': expect.stringMatching(/^[0-9a-f]{16}$/),
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
  });

  it('names the port that is in use, and how to choose another', async () => {
    const port = Number(new URL(server.url).port);
    const second = serve(redis.redis, [], { port });
    await expect(second).rejects.toMatchObject({ code: 'PORT_IN_USE', kind: 'check' });
    await expect(second).rejects.toThrow(new RegExp(`port ${port} .*server\\.port in the config or --port`));
  });

  it('lets go of its port when it is closed, even while a browser keeps its connection', async () => {
    const first = await serve(redis.redis, []);
    await (await fetch(new URL('/healthz', first.url), { keepalive: true })).text();
    await first.close();
    const again = await serve(redis.redis, [], { port: Number(new URL(first.url).port) });
    expect(again.url).toBe(first.url);
    await again.close();
  });
});
