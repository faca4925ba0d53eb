import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Server } from '../../src/index.ts';
import { ask } from '../api/http.ts';
import { serve, startRedis, type TestRedis } from '../served.ts';

const SCRIPT = `console.log('${'spica '.repeat(200)}')`;
const FILE = '/assets/index-0123abcd.js';

let redis: TestRedis;
let dir: string;
let server: Server;
beforeAll(async () => {
  redis = await startRedis();
  dir = await mkdtemp(join(tmpdir(), 'spica-page-'));
  const pageDir = join(dir, 'dist');
  await mkdir(join(pageDir, 'assets'), { recursive: true });
  await writeFile(
    join(pageDir, 'index.html'),
    `<!doctype html><script type="module" src="${FILE}"></script>`,
  );
  await writeFile(join(pageDir, FILE), SCRIPT);
  await writeFile(join(pageDir, `${FILE}.br`), brotliCompressSync(SCRIPT));
  await writeFile(join(pageDir, `${FILE}.gz`), gzipSync(SCRIPT));
  await writeFile(join(dir, 'secret.txt'), 'not for you');
  server = await serve(redis.redis, [], { pageDir });
});
afterAll(async () => {
  await server.close();
  await redis.close();
  await rm(dir, { recursive: true });
});

const get = (path: string, headers: Record<string, string> = {}) => ask(server.url, path, { headers });

async function getBytes(encoding: string): Promise<{ headers: Headers; bytes: Buffer }> {
  const { request } = await import('node:http');
  const { promise, resolve, reject } = Promise.withResolvers<{ headers: Headers; bytes: Buffer }>();
  request(new URL(FILE, server.url), { headers: { 'accept-encoding': encoding } }, (response) => {
    const chunks: Buffer[] = [];
    response
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        const headers = new Headers(response.headers as Record<string, string>);
        resolve({ headers, bytes: Buffer.concat(chunks) });
      });
  })
    .on('error', reject)
    .end();
  return promise;
}

it('is the same at each of its places, asked for anew each time, and runs no script but its own', async () => {
  for (const path of [
    '/',
    '/instances',
    '/instances/spica-0123456789ab?pool=main',
    '/requests/req-1',
    '/prune',
    '/audit',
  ]) {
    const { status, headers, text } = await get(path);
    expect([status, headers['content-type'], headers['cache-control']], path).toEqual([
      200,
      expect.stringMatching(/^text\/html/),
      'no-cache',
    ]);
    expect(text).toContain(FILE);
    expect(headers['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
        "font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    );
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
  }
});

it('has files that stay, as they were compressed when they were built', async () => {
  const unpack = { br: brotliDecompressSync, gzip: gunzipSync, identity: (bytes: Buffer) => bytes };
  for (const [encoding, read] of Object.entries(unpack)) {
    const { headers, bytes } = await getBytes(encoding);
    expect(headers.get('content-encoding') ?? 'identity').toBe(encoding);
    expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(headers.get('content-type')).toMatch(/javascript/);
    expect(read(bytes).toString()).toBe(SCRIPT);
  }
  expect((await getBytes('br')).headers.get('vary')).toMatch(/accept-encoding/i);
});

it.each([
  '/assets/../../secret.txt',
  '/assets/..%2f..%2fsecret.txt',
  '/assets/%2e%2e/%2e%2e/secret.txt',
  '/assets/..%5c..%5csecret.txt',
  '/assets//../../secret.txt',
  '/assets/%00',
  '/assets/.../secret.txt',
  '/queues/static/../../../../secret.txt',
  '/queues/static/..%2f..%2f..%2fpackage.json',
  '/instances/../secret.txt/../../assets/../secret.txt',
])('leads to no file of anybody else (%s)', async (path) => {
  const { status, text } = await get(path);
  expect(text).not.toContain('not for you');
  expect(text).not.toContain(dir);
  if (!path.startsWith('/instances')) expect([400, 403, 404]).toContain(status);
});

it('says how it is built where it is not', async () => {
  const unbuilt = await serve(redis.redis, [], { pageDir: join(dir, 'nothing') });
  const { status, text } = await ask(unbuilt.url, '/');
  expect([status, text]).toEqual([200, expect.stringContaining('npm run setup')]);
  await unbuilt.close();
});

it('says in words to who looks for a page that there is none, and to a program as a problem', async () => {
  const looked = await get('/nowhere', { accept: 'text/html,application/xhtml+xml' });
  expect([looked.status, looked.text]).toEqual([404, expect.stringContaining('There is no such page')]);
  const called = await get('/nowhere');
  expect([called.status, called.json]).toMatchObject([404, { code: 'ROUTE_UNKNOWN' }]);
});
