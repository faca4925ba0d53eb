import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startLocal } from '../../../../test/support/redis.ts';
import { startStack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { endsWithin } from '../../src/runtime/workers.ts';

it('comes to an end while Redis is away, and lets go of the pool', async () => {
  const server = await startLocal();
  const dir = await mkdtemp(join(tmpdir(), 'spica-close-'));
  const target = { url: server.url };
  const templates = { default: await makeTemplate(join(dir, 'template')) };
  const settings = { shutdown_timeout: '2s' };
  const root = join(dir, 'pool');
  const first = await startStack({ target, templates, settings, root });
  await first.spawn();
  await server.kill();
  await first.close();
  await server.restart();
  const second = await startStack({ target, templates, settings, root }); // it waits for nobody who serves the pool
  expect((await second.spawn()).instances).toHaveLength(1);
  await second.close();
  await server.stop();
  await rm(dir, { recursive: true });
});

it.each([0, -3_000])('says of work that does not end that it has not, with %i ms left', async (ms) => {
  expect(await endsWithin(new Promise(() => undefined), ms)).toBe(false);
});
