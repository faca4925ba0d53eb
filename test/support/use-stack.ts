import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest';
import { flush, startLocal } from './redis.ts';
import { type Stack, startStack } from './stack.ts';
import { makeTemplate } from './template.ts';

/**
 * Serves a pool anew for each test of a file, on one Redis, and hands it over. What a test had replaced is in place
 * again before it is closed.
 *
 * @param settings Further keys of `spica.yaml`, by dotted path.
 * @param ofTemplate Further keys of its template.
 */
export function useStack(
  take: (stack: Stack) => void,
  settings: Readonly<Record<string, unknown>> = {},
  ofTemplate: object = {},
): void {
  let server: Awaited<ReturnType<typeof startLocal>>;
  let dir: string;
  let stack: Stack;
  beforeAll(async () => {
    server = await startLocal();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'spica-served-'));
    const template = await makeTemplate(join(dir, 'template'));
    const templates = { default: { path: template, ...ofTemplate } };
    stack = await startStack({ target: { url: server.url }, templates, settings });
    take(stack);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await stack.close();
    await flush(server.url); // after its end, at which it publishes once more what its gate has reserved
    await rm(dir, { recursive: true });
  });
}
