import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request as requestTls } from 'node:https';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTokens, type TokenRole } from '@spica/catalog';
import { systemClock } from '@spica/core';
import { execa } from 'execa';
import Fastify from 'fastify';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import type { Server, ServerOptions } from '../../src/index.ts';
import { limitConnections } from '../../src/listen/connections.ts';
import { openPool, serve as serveAt, startRedis, type TestRedis } from '../served.ts';
import { ask } from './http.ts';

let redis: TestRedis;
let dir: string;
beforeAll(async () => {
  redis = await startRedis();
  dir = await mkdtemp(join(tmpdir(), 'spica-doors-'));
});
beforeEach(() => redis.redis.flushall());
afterAll(async () => {
  await redis.close();
  await rm(dir, { recursive: true });
});

async function serve(options: Partial<ServerOptions> = {}): Promise<Server> {
  const server = await serveAt(redis.redis, [openPool('main', redis.redis)], options);
  onTestFinished(() => server.close());
  return server;
}

function makeToken(role: TokenRole, expiresAt: number | null = null): Promise<string> {
  const made = { name: role, role, createdAt: 0, createdBy: 'ada@host', expiresAt };
  return createTokens(redis.redis).create(made);
}

it('lets this host look on without a token, as long as there is none, and change nothing', async () => {
  const { url } = await serve();
  expect((await ask(url, '/v1/pools')).status).toBe(200);
  expect(await ask(url, '/v1/plans', { method: 'POST', body: {} })).toMatchObject({
    status: 403,
    json: { code: 'FORBIDDEN' },
  });
  await makeToken('viewer');
  const refused = await ask(url, '/v1/pools');
  expect(refused).toMatchObject({ status: 401, json: { code: 'UNAUTHENTICATED', retryable: false } });
  expect(refused.headers['www-authenticate']).toBe('Bearer realm="spica"');
  expect((await ask(url, '/healthz')).status).toBe(200);
});

it('lets whoever shows a token in, under any name of the host, until it is revoked', async () => {
  const { url } = await serve();
  const token = await makeToken('viewer');
  const asked = () => ask(url, '/v1/pools', { token, headers: { host: 'spica.example.com' } });
  expect((await asked()).status).toBe(200);
  await createTokens(redis.redis).revoke('viewer');
  expect(await asked()).toMatchObject({ status: 401, json: { detail: expect.stringContaining('revoked') } });
});

it('refuses a token that has expired, and what is no token', async () => {
  const { url } = await serve();
  const token = await makeToken('operator', systemClock.now() - 1);
  expect(await ask(url, '/v1/pools', { token })).toMatchObject({
    status: 401,
    json: { detail: expect.stringContaining('has expired') },
  });
  for (const authorization of ['Bearer', 'Basic YTpi', `Bearer ${'x'.repeat(300)}`, 'Bearer a b', '']) {
    expect((await ask(url, '/v1/pools', { headers: { authorization } })).status).toBe(401);
  }
});

it('lets whoever shows a token look also while Redis takes no writes', async () => {
  const { url } = await serve();
  const token = await makeToken('viewer');
  await redis.redis.config('SET', 'min-replicas-to-write', '1'); // as with a full disk, each write is refused
  onTestFinished(async () => void (await redis.redis.config('SET', 'min-replicas-to-write', '0')));
  expect((await ask(url, '/v1/pools', { token })).status).toBe(200);
});

it('takes whoever comes through a proxy for somebody else than this host', async () => {
  const { url } = await serve();
  for (const name of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via']) {
    for (const path of ['/v1/pools', '/healthz', '/metrics', '/queues'])
      expect((await ask(url, path, { headers: { [name]: '10.0.0.1' } })).status).toBe(401);
  }
});

it.each(['/v1/pools', '/healthz'])(
  'refuses %s under a name that is not this host (DNS rebinding)',
  async (path) => {
    const { url } = await serve();
    expect(await ask(url, path, { headers: { host: 'evil.example' } })).toMatchObject({
      status: 403,
      json: { code: 'HOST_REFUSED' },
    });
  },
);

it('asks everybody for a token where others can reach it', async () => {
  const [viewer, operator] = [await makeToken('viewer'), await makeToken('operator')];
  const { url } = await serve({ host: '0.0.0.0' });
  const at = url.replace('0.0.0.0', '127.0.0.1');
  for (const path of ['/v1/pools', '/healthz', '/metrics', '/queues', '/', '/nothing'])
    expect((await ask(at, path)).status, path).toBe(401);
  for (const path of ['/v1/pools', '/healthz', '/metrics', '/queues', '/'])
    expect((await ask(at, path, { token: viewer })).status, path).toBe(200);
  const pause = { method: 'PUT', token: viewer };
  expect((await ask(at, '/queues/api/queues/pause', pause)).status).toBe(403);
  expect((await ask(at, '/queues/api/queues/pause', { ...pause, token: operator })).status).toBe(200);
  for (const path of ['/docs', '/v1/openapi.json']) expect((await ask(at, path)).status, path).toBe(200);
});

it('closes what are too many connections, and goes on with the others', async () => {
  const { url } = await serve({ mostConnections: 5 });
  const { hostname, port } = new URL(url);
  const sockets = Array.from({ length: 8 }, () =>
    connect(Number(port), hostname).on('error', () => undefined),
  );
  await expect.poll(() => sockets.filter((socket) => socket.closed).length).toBe(3);
  for (const socket of sockets) socket.destroy();
  await expect.poll(async () => (await ask(url, '/v1/pools').catch(() => null))?.status).toBe(200);
});

it('leaves file descriptors to what else the process does', () => {
  const app = Fastify();
  limitConnections(app, 0.5);
  expect(app.server.maxConnections).toBeGreaterThan(100);
  expect(app.server.maxConnections).toBeLessThanOrEqual(20_000);
});

it('serves a unix socket, for the owner and the group of its file, whoever asks there an operator', async () => {
  await makeToken('viewer');
  const socket = join(dir, 'mode.sock');
  const server = await serve({ socket });
  expect(server.socket).toBe(socket);
  expect((await stat(socket)).mode & 0o777).toBe(0o660);
  expect((await ask(socket, '/v1/pools')).status).toBe(200);
  expect((await ask(socket, '/healthz')).status).toBe(200);
});

it('replaces a socket that a dead process has left, and leaves one that is served alone', async () => {
  const socket = join(dir, 'stale.sock');
  await writeFile(socket, '');
  const first = await serve({ socket });
  expect((await ask(socket, '/v1/pools')).status).toBe(200);
  const second = await serve({ socket });
  expect([first.socket, second.socket]).toEqual([socket, null]);
  await second.close();
  expect((await ask(socket, '/v1/pools')).status).toBe(200);
  await first.close();
  await expect(stat(socket)).rejects.toMatchObject({ code: 'ENOENT' });
});

it('leaves a socket alone at its end that another has put in its place', async () => {
  const socket = join(dir, 'taken.sock');
  const server = await serve({ socket });
  await rm(socket);
  const other = createServer().listen(socket);
  onTestFinished(() => void other.close());
  await server.close();
  expect((await stat(socket)).isSocket()).toBe(true);
});

it('serves HTTPS with a certificate and its key, and says what is wrong with files that are none', async () => {
  const [tlsKey, tlsCert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-days', '2', '-nodes', '-newkey', 'rsa:2048'];
  await execa('openssl', ['req', '-x509', ...subject, '-keyout', tlsKey, '-out', tlsCert]);
  const { url } = await serve({ tlsKey, tlsCert });
  expect(url).toMatch(/^https:/);
  const { promise, resolve, reject } = Promise.withResolvers<[number | undefined, unknown]>();
  requestTls(new URL('/v1/pools', url), { rejectUnauthorized: false }, (response) => {
    response.resume();
    resolve([response.statusCode, response.headers['strict-transport-security']]);
  })
    .on('error', reject)
    .end();
  expect(await promise).toEqual([200, 'max-age=31536000']);
  const swapped = serve({ tlsKey: tlsCert, tlsCert: tlsKey });
  await expect(swapped).rejects.toThrow(/^server\.tls_cert: \S+ is no certificate \(PEM\) that the key/);
  const missing = serve({ tlsKey: '/nowhere.pem', tlsCert });
  await expect(missing).rejects.toThrow('server.tls_key: /nowhere.pem cannot be read: there is no such file');
});

it('runs commands for whoever may open the socket, and for nobody else', async () => {
  const ran: unknown[] = [];
  const { url, socket } = await serve({
    runCommand: async (asked) => {
      ran.push(asked.argv);
      return asked.fingerprint === 'same' ? { stdout: 'out\n', stderr: '' } : null;
    },
  });
  const body = {
    argv: ['ls'],
    fingerprint: 'same',
    leaseToken: null,
    isTerminal: false,
    isErrorTerminal: false,
    columns: null,
  };
  const token = await makeToken('operator');
  expect((await ask(url, '/command', { method: 'POST', token, body })).status).toBe(405);
  expect(ran).toEqual([]);
  const send = (changed: object) =>
    ask(socket ?? '', '/command', { method: 'POST', body: { ...body, ...changed } });
  expect(await send({})).toMatchObject({ status: 200, json: { stdout: 'out\n', stderr: '' } });
  expect((await send({ fingerprint: 'another' })).status).toBe(204);
  expect(await send({ argv: 'ls' })).toMatchObject({ status: 400, json: { code: 'PAYLOAD_INVALID' } });
  expect(ran).toHaveLength(2);
});
