import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runJob } from '@spica/queues';
import { afterAll, beforeAll, onTestFinished, vi } from 'vitest';
import { flush, type LocalRedis, startLocal } from '../../../../test/support/redis.ts';
import { type Stack, startStack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import type { Spica } from '../../src/index.ts';
import { releaseInstance } from '../../src/redis/index.ts';

/** A client of a pool that is served, wherever that is. */
export interface Client {
  readonly spica: Spica;
  /** How many requests are held. */
  held(): Promise<number>;
}

/** The same, and what serves it. */
export interface Served extends Client {
  readonly server: LocalRedis;
  readonly stack: Stack;
}

/** As `Serve`, of which only the client is known. */
export type ServeClient = (settings?: Readonly<Record<string, unknown>>) => Promise<Client>;

/** What lies between a client and its pool. */
export interface Between {
  /** Connects a client to a pool that is served; what it opens ends with the test. */
  connect(served: Pick<Served, 'server' | 'stack'>): Promise<Spica>;
}

/**
 * Serves an empty pool on a Redis that holds nothing else, and connects a client to it. With settings (if only `{}`) the
 * stack is the test's own: it may kill its Redis, and leave it as it likes. Without, it has had other tests, one by one.
 */
export type Serve = (settings?: Readonly<Record<string, unknown>>, pool?: string) => Promise<Served>;

interface OnRedis extends Pick<Served, 'server' | 'stack'> {
  close(): Promise<void>;
}

async function startOn(
  server: LocalRedis,
  settings: Readonly<Record<string, unknown>>,
  pool = 'main',
): Promise<OnRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'spica-client-'));
  const template = await makeTemplate(join(dir, 'template'));
  const stack = await startStack({
    target: { url: server.url },
    pool,
    templates: { default: template },
    settings,
  });
  return {
    server,
    stack,
    async close() {
      await stack.close();
      await flush(server.url); // after its end, at which the stack publishes once more what its gate has reserved
      await rm(dir, { recursive: true });
    },
  };
}

/**
 * The suite is the same whatever lies between: each of its tests is given this. All of it ends with the test, but for the
 * Redis, which is the suite's; a test that kills it starts it again.
 */
export function serveOver({ connect }: Between): Serve {
  let server: LocalRedis;
  beforeAll(async () => {
    server = await startLocal();
  });
  afterAll(() => server.stop());
  const common = useCommon();
  return async (settings, pool) => {
    const state = await mkdtemp(join(tmpdir(), 'spica-state-'));
    vi.stubEnv('XDG_STATE_HOME', state); // where a client keeps its secret
    const served = settings === undefined ? await common.get() : await startOn(server, settings, pool);
    const spica = await connect(served);
    onTestFinished(async ({ task }) => {
      await spica.close();
      vi.unstubAllEnvs();
      if (settings === undefined) await common.giveBack(task.result?.state !== 'fail');
      else await served.close();
      await rm(state, { recursive: true });
    });
    const { stack } = served;
    return { server: served.server, stack, spica, held: async () => stack.ctx.gate.line.state().length };
  };
}

/** One stack for the tests that need none of their own, on a Redis of its own. */
function useCommon() {
  let server: LocalRedis | null = null;
  let served: OnRedis | null = null;
  const close = async () => {
    await served?.close();
    served = null;
  };
  afterAll(async () => {
    await close();
    await server?.stop();
  });
  return {
    async get(): Promise<OnRedis> {
      server ??= await startLocal();
      served ??= await startOn(server, {});
      return served;
    },
    /** Empties it for the next test. One that failed, or left what cannot be deleted, leaves the next a new one. */
    async giveBack(passed: boolean): Promise<void> {
      const isEmpty = served && passed && (await empty(served.stack).catch(() => false)); // one that went meanwhile
      if (!isEmpty) await close();
    },
  };
}

/** Deletes all instances, also those that are pinned or leased. False where the next test would see something of this one. */
async function empty({ ctx, queues, redis }: Stack): Promise<boolean> {
  const { catalog, pool } = ctx;
  if (ctx.gate.line.size > 0) return false;
  if ((await catalog.count()) === 0) return true;
  for await (const { record } of catalog.list()) {
    if (record.pin !== null) await catalog.mark(record.id, { pin: null });
    const asked = { token: null, discard: true, force: true, by: 'test@host' };
    await releaseInstance({ catalog, name: pool.name }, record.id, asked);
  }
  const all = { pool: pool.name, cause: 'operator', maxInstances: 0, maxAgeMs: null };
  await runJob(queues.prune, 'prune', all, { redis });
  return (await catalog.count()) === 0;
}
