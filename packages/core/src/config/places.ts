import { isAbsolute, join } from 'node:path';
import { configError } from './config-error.ts';
import type { Environment } from './environment.ts';
import type { Source } from './layers.ts';
import { absolutePath, type PathStart, pathProblem } from './path.ts';
import { describeValue } from './redact.ts';

/** What places follow from. */
interface Start {
  readonly env: Environment;
  /** Null where it is gone. */
  readonly cwd: string | null;
  readonly home: string;
}

/** Where the sockets, the embedded Redis and the audit log lie. Throws UsageError CONFIG_INVALID. */
export function stateDirOf({ env, cwd, home }: Start): { path: string; source: Source } {
  if (env['SPICA_STATE_DIR'])
    return {
      path: absolutePathOf('SPICA_STATE_DIR', env['SPICA_STATE_DIR'], { base: cwd, home }),
      source: 'env SPICA_STATE_DIR',
    };
  const xdg = absoluteOnly(env['XDG_STATE_HOME']);
  if (xdg) return { path: join(xdg, 'spica'), source: 'env XDG_STATE_HOME' };
  return { path: join(home, '.local', 'state', 'spica'), source: 'default' };
}

/**
 * The absolute path that a text of the environment or the command line names. Throws UsageError CONFIG_INVALID that names
 * `field` (`SPICA_STATE_DIR`, `--config`), the path and what was expected.
 */
export function absolutePathOf(field: string, path: string, start: PathStart): string {
  const problem = pathProblem(path);
  if (problem !== null) throw configError([`${field}: ${problem}, got ${describeValue([], path)}`]);
  return absolutePath(path, start);
}

/** XDG's directories count only where they are absolute, as its specification says. */
function absoluteOnly(path: string | undefined): string | null {
  return path && isAbsolute(path) ? path : null;
}

/**
 * Where a config may lie, most wanted first: SPICA_CONFIG alone, else the working directory, else the user's. Throws
 * UsageError CONFIG_INVALID where SPICA_CONFIG is no path.
 */
export function configFileCandidates({ env, cwd, home }: Start): string[] {
  if (env['SPICA_CONFIG']) return [absolutePathOf('SPICA_CONFIG', env['SPICA_CONFIG'], { base: cwd, home })];
  const userDir = absoluteOnly(env['XDG_CONFIG_HOME']) ?? join(home, '.config');
  return [...(cwd === null ? [] : [cwd]), join(userDir, 'spica')].map((dir) => join(dir, 'spica.yaml'));
}
