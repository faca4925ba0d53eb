import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type LocalRedis, startLocal } from '../../../test/support/redis.ts';
import { type Stack, startStack } from '../../../test/support/stack.ts';
import { makeTemplate } from '../../../test/support/template.ts';
import { Spica } from '../src/index.ts';

export interface Served {
  readonly server: LocalRedis;
  readonly stack: Stack;
  readonly spica: Spica;
}

/** Serves a pool on a Redis of the test's own, and connects a client to it; all of it ends with the test. */
export async function serve(
  settings: Readonly<Record<string, unknown>> = {},
  pool = 'main',
): Promise<Served> {
  const dir = await mkdtemp(join(tmpdir(), 'spica-client-'));
  const server = await startLocal();
  const template = await makeTemplate(join(dir, 'template'));
  const stack = await startStack({
    target: { url: server.url },
    pool,
    templates: { default: template },
    settings,
  });
  const spica = await Spica.connect({ redisUrl: server.url });
  onTestFinished(async () => {
    await spica.close();
    await stack.close();
    await server.stop();
    await rm(dir, { recursive: true });
  });
  return { server, stack, spica };
}
