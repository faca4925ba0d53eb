import { readFile } from 'node:fs/promises';
import {
  absolutePathOf,
  type Config,
  configFileCandidates,
  type EffectiveSetting,
  resolveConfig,
  UsageError,
} from '@spica/core';
import type { GlobalOptions, Io } from '../io.ts';

export interface LoadedConfig {
  readonly config: Config;
  readonly effective: readonly EffectiveSetting[];
  /** Keys of an older system's file that were not read. */
  readonly ignored: readonly string[];
  /** The config file that was read; null where there is none, and defaults apply. */
  readonly file: string | null;
}

/**
 * The one place where the config is read: flags over environment over file over defaults.
 * Throws UsageError: CONFIG_INVALID, CONFIG_MISSING for a file that was named but is not there, CONFIG_UNREADABLE.
 */
export async function loadConfig(
  io: Pick<Io, 'env' | 'cwd' | 'home'>,
  options: GlobalOptions,
  flags: Readonly<Record<string, unknown>> = {},
): Promise<LoadedConfig> {
  const file = await readConfigFile(io, options.config);
  const { env, cwd, home } = io;
  return { ...resolveConfig({ file, env, flags, cwd, home }), file: file?.path ?? null };
}

async function readConfigFile(io: Pick<Io, 'env' | 'cwd' | 'home'>, asked: string | undefined) {
  const named = asked ?? (io.env['SPICA_CONFIG'] || undefined);
  const candidates =
    asked === undefined
      ? configFileCandidates(io)
      : [absolutePathOf('--config', asked, { base: io.cwd, home: io.home })];
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
