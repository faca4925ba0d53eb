import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createTokens } from '@spica/catalog';
import { connectObserver } from '@spica/queues';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Server, startServer } from '../../server/src/index.ts';
import { serverOptions } from '../../server/test/served.ts';
import { CheckError, type RequestEvent, Spica, UnreachableError, UsageError } from '../src/index.ts';
import { toProblem } from '../src/problem.ts';
import { openRedisTransport } from '../src/redis/index.ts';
import type { Transport } from '../src/transport.ts';
import { testAsking } from './suite/asking.ts';
import { testAway } from './suite/away.ts';
import { testInstances } from './suite/instances.ts';
import { testLeases } from './suite/lease.ts';
import { testOversize } from './suite/oversize.ts';
import { type Between, type Served, serveOver } from './suite/serve.ts';
import { testSpawning } from './suite/spawn.ts';
import { testTournaments } from './suite/tournament.ts';

/** The HTTP API of a stack, at the unix socket in its state directory. */
interface Api {
  /** What it serves. */
  readonly transport: Transport;
  readonly socket: string;
  readonly url: string;
  /** Ends it. */
  stop(): Promise<void>;
  /** Serves it anew at the same places. */
  restart(): Promise<void>;
}

async function serveApi({ server, stack }: Pick<Served, 'server' | 'stack'>): Promise<Api> {
  const redis = await connectObserver({ url: server.url });
  const transport = await openRedisTransport({ url: server.url }, { pool: stack.ctx.policy.name });
  const socket = `${stack.config.stateDir}/api.sock`;
  let port = 0;
  const start = () => startServer({ ...serverOptions(redis, [], { transports: [transport], socket }), port });
  let running: Server | null = await start();
  port = Number(new URL(running.url).port);
  const stop = async () => {
    await running?.close();
    running = null;
  };
  onTestFinished(async () => {
    await stop();
    await transport.close();
    redis.disconnect();
  });
  return {
    transport,
    socket,
    url: running.url,
    stop,
    restart: async () => {
      await stop();
      running = await start();
    },
  };
}

const apis = new WeakMap<Spica, Api>();

/** What a client of the suite is connected to. */
function apiOf(spica: Spica): Api {
  const api = apis.get(spica);
  if (!api) throw new Error('no client of this suite');
  return api;
}

const http: Between = {
  async connect(served) {
    const api = await serveApi(served);
    const spica = await Spica.connect({ socket: api.socket });
    apis.set(spica, api);
    return spica;
  },
};

describe('over HTTP', () => {
  const serve = serveOver(http);
  testSpawning(serve);
  testLeases(serve);
  testInstances(serve);
  testAsking(serve);
  testOversize(serve);
  testAway(serve);
  testTournaments(serve);

  /** A pool with room for one instance, which is taken, and another request for it that waits. */
  async function heldBehind() {
    const served = await serve({ 'pools.main.retention.max_instances': 1, 'gate.poll_every': '1h' });
    const first = await (await served.spica.spawn({ count: 1, lease: '1h' })).ready();
    const request = await served.spica.spawn({ count: 1 });
    await expect.poll(served.held).toBe(1);
    return { ...served, api: apiOf(served.spica), first, request };
  }

  it('waits for a request, and follows it, through restarts of the server', async () => {
    const { api, first, request, spica } = await heldBehind();
    const ready = request.ready();
    const seen: RequestEvent[] = [];
    const held = Promise.withResolvers<void>();
    const followed = (async () => {
      for await (const event of request) {
        seen.push(event);
        if (event.phase === 'held') held.resolve();
      }
    })();
    await held.promise;
    await api.restart();
    await api.stop();
    await expect(spica.status()).rejects.toMatchObject({ kind: 'unreachable', code: 'SERVER_UNREACHABLE' });
    await api.restart();
    await first.release();
    expect((await ready).instances).toHaveLength(1);
    await followed;
    expect(seen.at(-1)).toMatchObject({ phase: 'ready' });
    for (const [i, event] of seen.entries()) expect(event).not.toEqual(seen[i - 1]); // none is told twice
  });

  it('follows the audit log from now on through a restart of the server, also where nothing had come before', async () => {
    const { spica, stack } = await serve();
    const api = apiOf(spica);
    const begun = vi.spyOn(api.transport, 'auditFollow');
    const over = new AbortController();
    const next = spica.audit.follow({ signal: over.signal })[Symbol.asyncIterator]().next();
    await expect.poll(() => begun.mock.calls.length).toBe(1);
    await api.stop();
    await stack.ctx.audit.append({ action: 'pressure', reason: 'meanwhile', outcome: 'ok → low' });
    await api.restart();
    expect((await next).value).toMatchObject({ action: 'pressure', reason: 'meanwhile' });
    over.abort();
  });

  it('keeps its leases through a restart of the server', async () => {
    const { spica, stack } = await serve();
    const api = apiOf(spica);
    const lost: unknown[] = [];
    spica.on('lease-lost', (error) => lost.push(error));
    await using batch = await (await spica.spawn({ count: 1, lease: '8s' })).ready();
    const id = batch.instances[0]?.id ?? '';
    const endsAt = async () => (await stack.ctx.catalog.get(id))?.record.lease?.expiresAt ?? 0;
    const first = await endsAt();
    await api.restart();
    await expect.poll(endsAt).toBeGreaterThan(first);
    expect(lost).toEqual([]);
  });

  it('throws in whatever waits once it is closed', async () => {
    const { spica, request } = await heldBehind();
    const ready = request.ready();
    const followed = Array.fromAsync(request);
    await spica.close();
    await expect(ready).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
    await expect(followed).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
  });

  it('shows its token to a server at a URL, and is told why it is not let in', async () => {
    const { spica, stack } = await serve();
    const { url } = apiOf(spica);
    const make = (name: string, role: 'runner' | 'viewer') =>
      createTokens(stack.redis).create({ name, role, createdAt: 0, createdBy: 'test@host', expiresAt: null });
    const [ada, viewer] = [await make('ada', 'runner'), await make('vi', 'viewer')];
    await using runner = await Spica.connect({ url, token: ada });
    const request = await runner.spawn({ count: 1, lease: '1h' });
    await using batch = await request.ready();
    expect(await batch.instances[0]?.view()).toMatchObject({ by: 'ada' });
    await batch.instances[0]?.score(0.5);
    vi.stubEnv('SPICA_URL', `${url}/`);
    vi.stubEnv('SPICA_TOKEN', viewer);
    await using other = await Spica.connect();
    expect((await Array.fromAsync(other.instances.list())).map(({ score }) => score)).toEqual([0.5]);
    await expect(other.spawn({ count: 1 })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(Spica.connect({ token: 'x'.repeat(40) })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(Spica.connect({ pool: 'other' })).rejects.toMatchObject({
      code: 'POOL_UNKNOWN',
      message: 'pool: expected one of: main, got "other"',
    });
  });

  it('finds the stack of this machine by its socket, and by its Redis where nobody answers there', async () => {
    const { spica, stack } = await serve();
    vi.stubEnv('SPICA_STATE_DIR', stack.config.stateDir);
    vi.stubEnv('REDIS_URL', '');
    await using found = await Spica.connect();
    expect(await found.status()).toMatchObject({ pool: 'main', served: true });
    await apiOf(spica).stop();
    const where = join(stack.config.stateDir, 'redis.sock'); // of an embedded Redis; this stack has none
    await expect(Spica.connect()).rejects.toMatchObject({
      code: 'REDIS_UNREACHABLE',
      message: expect.stringContaining(where),
    });
  });
});

/** A server that answers each call with the next of these. */
async function answering(...answers: [status: number, headers: Record<string, string>, body: unknown][]) {
  const calls: string[] = [];
  const server = createServer((request, response) => {
    calls.push(`${request.method} ${request.url}`);
    const [status, headers, body] = answers[Math.min(calls.length, answers.length) - 1] ?? [500, {}, ''];
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { calls, url: `http://127.0.0.1:${port}/behind/a-proxy/` };
}

const JSON_TYPE = { 'content-type': 'application/json' };
const POOLS = [200, JSON_TYPE, { items: [{ pool: 'main' }], next: null }] as const;
const problemOf = (error: Error) => ({ ...toProblem(error) });

describe('the HTTP client', () => {
  it('comes back when it is told to, and only then', async () => {
    const soon = { 'retry-after': '0', 'content-type': 'application/problem+json' };
    const busy = problemOf(new UnreachableError('SERVER_BUSY', 'busy'));
    const limited = { ...problemOf(new CheckError('RATE_LIMITED', 'ada: expected at most …')), status: 429 };
    const again = await answering([503, soon, busy], [429, soon, limited], [...POOLS], [503, {}, busy]);
    await using spica = await Spica.connect({ url: again.url });
    expect(again.calls).toEqual(Array(3).fill('GET /behind/a-proxy/v1/pools'));
    await expect(spica.status()).rejects.toMatchObject({ code: 'SERVER_BUSY', kind: 'unreachable' });
    expect(again.calls).toHaveLength(4);
    const never = await answering([429, soon, limited]);
    await expect(Spica.connect({ url: never.url })).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    expect(never.calls).toHaveLength(3);
  });

  it('tells a server that is no Spica from one that is', async () => {
    const page = { 'content-type': 'text/html' };
    const { url } = await answering([200, page, '<html>'], [502, page, 'Bad gateway']);
    await expect(Spica.connect({ url })).rejects.toMatchObject({ code: 'ANSWER_INVALID' });
    await expect(Spica.connect({ url })).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
    await expect(Spica.connect({ url: 'http://127.0.0.1:1' })).rejects.toThrow(
      'the HTTP API at http://127.0.0.1:1/ is out of reach: nobody listens there',
    );
    await expect(Spica.connect({ socket: '/nowhere/api.sock' })).rejects.toThrow(
      'the HTTP API at /nowhere/api.sock is out of reach: there is no such socket',
    );
  });

  it.each([
    [{ url: 'ftp://host' }, 'connect: url: expected a URL like http://host:3737'],
    [{ url: 'http://me:secret@host' }, 'connect: url: expected none with a user or password in it'],
    [{ url: 'http://host', token: 'sec\nret' }, 'connect: token: expected what `spica token create` printed'],
    [{ redisUrl: 'host:6379/secret' }, 'connect: redisUrl: expected a URL like redis://host:6379'],
    [
      { url: 'http://host', redisUrl: '/r.sock' },
      'expected one of url, socket and redisUrl, got url and redisUrl',
    ],
    [{ url: 'http://host', host: 'secret' }, 'connect: host: unknown option (expected some of: url, token, '],
  ])('refuses %j without quoting what may be secret', async (options, message) => {
    const error: Error = await Spica.connect(options).then(
      () => expect.fail('it was taken'),
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain(message);
    expect(error.message).not.toMatch(/sec/);
  });
});
