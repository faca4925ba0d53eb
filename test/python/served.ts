import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { makeSite, type Site } from '../support/site.ts';
import type { SpicaRun, Up } from '../support/spica.ts';

const ROOT = join(import.meta.dirname, '../..');
export const CLIENT = join(ROOT, 'clients/python');

/** Why tests of the Python client are skipped; null where they can run. */
const pythonMissing: string | null =
  spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))']).status === 0
    ? null
    : 'there is no python3 of version 3.9 or newer';

/** Tests that need python3; skipped, with the reason in their name, where there is none. */
export function describePython(what: string, tests: () => void): void {
  const name = `${what}${pythonMissing === null ? '' : ` (skipped: ${pythonMissing})`}`;
  describe.skipIf(pythonMissing !== null)(name, tests);
}

/** The same, against one served pool. */
export function describeServed(
  what: string,
  tests: (served: () => PythonSite) => void,
  options: PythonSiteOptions = {},
): void {
  describePython(what, () => {
    let served: PythonSite;
    beforeAll(async () => {
      served = await servePython(options);
    }, 120_000);
    afterAll(() => served.close());
    tests(() => served);
  });
}

/** A pool that `spica up` serves at a unix socket and at a port, as a Python program reaches it. */
export interface PythonSite {
  readonly site: Site;
  readonly up: Up;
  /** Runs `python3` with the client's modules within reach, to its end. */
  python(args: readonly string[], env?: Record<string, string>): Promise<SpicaRun>;
  /** The same, without waiting for its end. */
  start(args: readonly string[]): ReturnType<typeof startPython>;
  close(): Promise<void>;
}

interface PythonSiteOptions {
  /** Done once the pool is there, before it is served. */
  readonly before?: (site: {
    readonly pool: Site['pool'];
    readonly python: (args: readonly string[]) => PromiseLike<unknown>;
  }) => Promise<unknown>;
}

async function servePython({ before }: PythonSiteOptions): Promise<PythonSite> {
  const port = await freePort();
  const collected = await mkdtemp(join(tmpdir(), 'spica-collected-'));
  const site = await makeSite({
    poolKeys: { collect_to: collected },
    retention: { max_instances: 10, keep_after_lease: '0s' },
    settings: { server: { port }, gate: { poll_every: '1s' } },
  });
  await before?.({ pool: site.pool, python: (args) => execa('python3', args) });
  const up = await site.up();
  const { stdout, exitCode, stderr } = await site.spica(
    'token',
    'create',
    '--role',
    'runner',
    '--name',
    'pytest',
  );
  if (exitCode !== 0) throw new Error(`spica token create: ${stderr}`);
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: site.dir,
    PYTHONPATH: CLIENT,
    PYTHONDONTWRITEBYTECODE: '1',
    SPICA_STATE_DIR: site.env['SPICA_STATE_DIR'] ?? '',
    SPICA_TEST_URL: `http://127.0.0.1:${port}`,
    SPICA_TEST_TOKEN: stdout.trim(),
  };
  return {
    site,
    up,
    start: (args) => startPython(args, env, site.dir),
    async python(args, more = {}) {
      const { exitCode, stdout, stderr } = await startPython(args, { ...env, ...more }, site.dir);
      return { exitCode, stdout, stderr };
    },
    async close() {
      await site.close();
      await rm(collected, { recursive: true });
    },
  };
}

function startPython(args: readonly string[], env: Record<string, string>, cwd: string) {
  return execa('python3', args, { env, extendEnv: false, reject: false, cwd, timeout: 240_000 });
}
