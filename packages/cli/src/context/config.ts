import { readFile } from 'node:fs/promises';
import {
  absolutePathOf,
  type Config,
  configFileCandidates,
  DEFAULT_POOL,
  type EffectiveSetting,
  resolveConfig,
  UsageError,
} from '@spica/core';
import type { GlobalOptions, Io } from '../io.ts';
import { defaultPoolAt } from './default-pool.ts';

export interface LoadedConfig {
  readonly config: Config;
  readonly effective: readonly EffectiveSetting[];
  /** Keys of an older system's file that were not read. */
  readonly ignored: readonly string[];
  /** The config file that was read; null where there is none, and defaults apply. */
  readonly file: string | null;
}

/** What the config is read from. */
type Place = Pick<Io, 'env' | 'cwd' | 'home'>;

/**
 * The one place where the config is read: flags over environment over file over defaults. A pool that it does not name has
 * the name that its marker says (`defaultPoolAt`). Throws UsageError: CONFIG_INVALID, CONFIG_MISSING for a file that was
 * named but is not there, CONFIG_UNREADABLE, WORKING_DIRECTORY_GONE where there is nothing to start from.
 *
 * @param options.namesNewPool Whether a pool that is not there yet gets a name of its own.
 */
export async function loadConfig(
  { env, cwd, home }: Place,
  options: GlobalOptions,
  flags: Readonly<Record<string, unknown>> = {},
  { namesNewPool = false } = {},
): Promise<LoadedConfig> {
  const file = await readConfigFile({ env, cwd, home }, options.config);
  if (file === null && cwd === null) throw workingDirectoryGone();
  const input = { file, env, flags, cwd, home };
  const resolved = resolveConfig(input);
  const root = resolved.namesPools ? undefined : resolved.config.pools[DEFAULT_POOL]?.root;
  if (root === undefined) return { ...resolved, file: file?.path ?? null };
  const defaultPool = await defaultPoolAt(root, { isNew: namesNewPool });
  return { ...resolveConfig({ ...input, defaultPool }), file: file?.path ?? null };
}

function workingDirectoryGone(): UsageError {
  return new UsageError(
    'WORKING_DIRECTORY_GONE',
    'the directory that spica was started in is gone: change to one that is there, or name a config file with --config or SPICA_CONFIG',
  );
}

async function readConfigFile(place: Place, asked: string | undefined) {
  const named = asked ?? (place.env['SPICA_CONFIG'] || undefined);
  const candidates =
    asked === undefined
      ? configFileCandidates(place)
      : [absolutePathOf('--config', asked, { base: place.cwd, home: place.home })];
  for (const path of candidates) {
    const text = await readIfThere(path);
    if (text !== null) return { path, text };
  }
  if (named === undefined) return null;
  const from = asked === undefined ? 'SPICA_CONFIG' : '--config';
  throw new UsageError(
    'CONFIG_MISSING',
    `${from}: expected a config file, but there is none at ${candidates[0]}`,
  );
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new UsageError('CONFIG_UNREADABLE', `config: ${path} cannot be read (${code})`, { path }, error);
  }
}
