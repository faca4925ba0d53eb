import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, onTestFinished, vi } from 'vitest';
import { flush, type LocalRedis, startLocal } from '../../../../test/support/redis.ts';
import { type Stack, startStack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import type { Spica } from '../../src/index.ts';

/** A client of a pool that is served, wherever that is. */
export interface Client {
  readonly spica: Spica;
  /** How many requests are held. */
  held(): Promise<number>;
}

/** The same in a stack of the test's own. */
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

/** Serves a pool on a Redis that holds nothing else, and connects a client to it. */
export type Serve = (settings?: Readonly<Record<string, unknown>>, pool?: string) => Promise<Served>;

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
  return async (settings = {}, pool = 'main') => {
    const dir = await mkdtemp(join(tmpdir(), 'spica-client-'));
    vi.stubEnv('XDG_STATE_HOME', join(dir, 'state')); // where a client keeps its secret
    const template = await makeTemplate(join(dir, 'template'));
    const stack = await startStack({
      target: { url: server.url },
      pool,
      templates: { default: template },
      settings,
    });
    const spica = await connect({ server, stack });
    onTestFinished(async () => {
      await spica.close();
      await stack.close();
      await flush(server.url); // after its end, at which the stack publishes once more what its gate has reserved
      vi.unstubAllEnvs();
      await rm(dir, { recursive: true });
    });
    return { server, stack, spica, held: async () => stack.ctx.gate.line.state().length };
  };
}
