import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTokens, type TokenRole } from '@spica/catalog';
import { openRedisTransport, type Transport } from '@spica/client/redis';
import type { Redis } from 'ioredis';
import { type LocalRedis, startLocal } from '../../../../test/support/redis.ts';
import { type Stack, startStack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import type { Server, ServerOptions } from '../../src/index.ts';
import { poolOf, serve } from '../served.ts';
import { type Ask, ask, type Reply } from './http.ts';

/** A pool that is really served, and its HTTP API with a token of each role. */
export interface ApiStack {
  readonly stack: Stack;
  readonly server: Server;
  readonly redis: Redis;
  readonly transport: Transport;
  /** By name: `viewer`, `operator`, and the runners `ada` and `bob`. */
  readonly tokens: Readonly<Record<'viewer' | 'operator' | 'ada' | 'bob', string>>;
  /** Calls the API with one of these tokens. */
  call(
    who: keyof ApiStack['tokens'],
    method: string,
    path: string,
    body?: unknown,
    more?: Ask,
  ): Promise<Reply>;
  /** Spawns one instance with one of these tokens, and returns its id. */
  spawn(who: 'ada' | 'bob' | 'operator', body?: Readonly<Record<string, unknown>>): Promise<string>;
  close(): Promise<void>;
}

export interface ApiStackOptions {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly server?: Partial<ServerOptions>;
}

export async function startApi({
  settings = {},
  server: options = {},
}: ApiStackOptions = {}): Promise<ApiStack> {
  const dir = await mkdtemp(join(tmpdir(), 'spica-api-'));
  const local: LocalRedis = await startLocal();
  const template = await makeTemplate(join(dir, 'template'));
  /** Its set-up shows a parameter, and fails. */
  const leaky = { path: template, setup: ['sh', '-c', 'echo "it is $KEY"; exit 3'] };
  const templates = { default: template, leaky };
  const stack = await startStack({ target: { url: local.url }, templates, settings });
  const transport = await openRedisTransport({ url: local.url }, { pool: 'main' });
  const tokens = {
    viewer: await makeToken(stack.redis, 'viewer', 'viewer'),
    operator: await makeToken(stack.redis, 'operator', 'operator'),
    ada: await makeToken(stack.redis, 'ada', 'runner'),
    bob: await makeToken(stack.redis, 'bob', 'runner'),
  };
  const server = await serve(stack.redis, [poolOf(stack)], {
    transports: [transport],
    paths: [stack.ctx.pool.paths.root, template, stack.config.stateDir],
    ...options,
  });
  const call: ApiStack['call'] = (who, method, path, body, more = {}) =>
    ask(server.url, path, { method, token: tokens[who], ...(body === undefined ? {} : { body }), ...more });
  return {
    stack,
    server,
    redis: stack.redis,
    transport,
    tokens,
    call,
    async spawn(who, body = {}) {
      const wait = { headers: { prefer: 'wait=30' } };
      const { json, text } = await call(who, 'POST', '/v1/requests', { count: 1, ...body }, wait);
      const [first] = (json as { instances?: { id: string }[] }).instances ?? [];
      if (!first) throw new Error(`no instance came up: ${text}`);
      return first.id;
    },
    async close() {
      await server.close();
      await transport.close();
      await stack.close();
      await local.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export function makeToken(redis: Redis, name: string, role: TokenRole): Promise<string> {
  return createTokens(redis).create({ name, role, createdAt: 0, createdBy: 'test@host', expiresAt: null });
}
