import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SpicaRun, spica, spicaUp, type Up } from './spica.ts';
import { makeTemplate } from './template.ts';

/** A directory in which somebody runs `spica`, with a template of its own. */
export interface Project {
  readonly dir: string;
  readonly root: string;
  spica(...args: string[]): Promise<SpicaRun>;
  /** Starts `spica up`; `close` of the projects ends it. */
  up(): Promise<Up>;
  /** Names its pool in `spica.yaml`; null has it name none. */
  namePool(name: string | null): Promise<void>;
}

/** Several projects of one user: one home, and so one state directory and one embedded Redis. */
export interface Projects {
  readonly home: string;
  add(
    name: string,
    options?: { readonly pool?: string | null; readonly env?: Record<string, string> },
  ): Promise<Project>;
  close(): Promise<void>;
}

export async function makeProjects(): Promise<Projects> {
  const dir = await mkdtemp(join(tmpdir(), 'spica-projects-'));
  const home = join(dir, 'home');
  await mkdir(home);
  const started: Up[] = [];
  return {
    home,
    async add(name, { pool = null, env = {} } = {}) {
      const project = join(dir, name);
      await makeTemplate(join(project, 'template'));
      const made = openProject(project, { HOME: home, ...env }, started);
      await made.namePool(pool);
      return made;
    },
    async close() {
      for (const up of started) await up.kill('SIGKILL');
      await rm(dir, { recursive: true });
    },
  };
}

/** The project in a directory that is there. */
export function openProject(dir: string, env: Record<string, string>, started: Up[] = []): Project {
  return {
    dir,
    root: join(dir, 'instances'),
    spica: (...args) => spica(args, env, dir),
    async up() {
      const up = await spicaUp(env, dir);
      started.push(up);
      return up;
    },
    async namePool(pool) {
      const disk = { min_free_space_gb: 0.001, min_free_inodes_percent: 0, ballast_mb: 0 };
      const pools = pool === null ? {} : { pools: { [pool]: { disk } } };
      await writeFile(join(dir, 'spica.yaml'), JSON.stringify({ server: { port: 0 }, ...pools }));
    },
  };
}
