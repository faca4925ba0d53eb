import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocal } from '../../../test/support/redis.ts';
import { type Stack, startStack } from '../../../test/support/stack.ts';
import { makeTemplate } from '../../../test/support/template.ts';
import { type Captured, capture, runCaptured } from './capture.ts';

/** A pool `main` that is really served, and a `spica` that knows it. */
export interface CliStack {
  readonly stack: Stack;
  /** Directory of the template `default`. */
  readonly template: string;
  /** A process to run commands in: its environment names the pool's config, state and Redis. */
  io(options?: { tty?: boolean; env?: Record<string, string> }): Captured;
  /** Runs a command as a script would, and returns what it printed. */
  spica(...argv: string[]): ReturnType<typeof runCaptured>;
  close(): Promise<void>;
}

/** Serves a pool on a Redis of its own. `settings`: further keys of `spica.yaml`, by dotted path; `ofTemplate`: of its template. */
export async function startCliStack(
  settings: Record<string, unknown> = {},
  ofTemplate: object = {},
): Promise<CliStack> {
  const dir = await mkdtemp(join(tmpdir(), 'spica-cli-stack-'));
  const template = await makeTemplate(join(dir, 'template'));
  const redis = await startLocal();
  const templates = { default: { path: template, ...ofTemplate } };
  const stack = await startStack({ target: { url: redis.url }, templates, settings });
  const file = join(dir, 'spica.yaml');
  const disk = { min_free_space_gb: 0.001, min_free_inodes_percent: 0 };
  const main = { root: stack.ctx.pool.paths.root, templates, disk };
  await writeFile(file, JSON.stringify(nest(settings, { pools: { main } })));
  const io: CliStack['io'] = ({ tty = false, env = {} } = {}) => {
    const known = { SPICA_CONFIG: file, SPICA_STATE_DIR: stack.config.stateDir, REDIS_URL: redis.url };
    return capture({ tty, env: { PATH: process.env['PATH'] ?? '', ...known, ...env } });
  };
  return {
    stack,
    template,
    io,
    spica: (...argv) => runCaptured(argv, io()),
    async close() {
      await stack.close();
      await redis.stop();
      await rm(dir, { recursive: true });
    },
  };
}

/** `{ 'a.b': 1 }` over an object, as YAML would have it. */
function nest(settings: Record<string, unknown>, base: Record<string, unknown>): Record<string, unknown> {
  for (const [path, value] of Object.entries(settings)) {
    const names = path.split('.');
    const last = names.pop() ?? '';
    let at = base;
    for (const name of names) {
      at[name] ??= {};
      at = at[name] as Record<string, unknown>;
    }
    at[last] = value;
  }
  return base;
}
