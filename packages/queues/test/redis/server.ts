import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../../../../test/support/free-port.ts';

/** A redis-server with settings of a test's own. */
export interface Server {
  readonly url: string;
  readonly dir: string;
  /** A connection of ioredis as it is: it may do everything. */
  readonly redis: Redis;
  /** Ends it; with `keep` its directory stays. */
  stop(options?: { keep: boolean }): Promise<void>;
}

/** Starts one on a free port; `settings` as on its command line. Resolves when it answers, or loads. */
export async function startServer(
  settings: readonly string[] = [],
  dir = mkdtempSync(join(tmpdir(), 'spica-server-')),
): Promise<Server> {
  const port = String(await freePort());
  const args = ['--port', port, '--dir', dir, '--save', '', '--enable-debug-command', 'yes', ...settings];
  // Debian's redis-tools has the server under its checker's name; the name it is called by decides what it is.
  const path = execFileSync('sh', ['-c', 'command -v redis-server || command -v redis-check-rdb'])
    .toString()
    .trim();
  const child = spawn(path, args, { argv0: 'redis-server', stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  await new Promise<void>((resolve) => {
    let log = '';
    child.stdout.on('data', (chunk: Buffer) => {
      log += chunk;
      if (/Server initialized/.test(log)) resolve();
    });
  });
  const url = `redis://127.0.0.1:${port}`;
  const redis = new Redis(url, { enableReadyCheck: false });
  redis.on('error', () => undefined); // some tests end it
  return {
    url,
    dir,
    redis,
    async stop({ keep } = { keep: false }) {
      redis.disconnect();
      child.kill('SIGKILL');
      await ended;
      if (!keep) await rm(dir, { recursive: true, force: true });
    },
  };
}

/** The address of a server for one of its users. */
export function urlFor({ url }: Server, user: string, password: string): string {
  return url.replace('redis://', `redis://${user}:${password}@`);
}
