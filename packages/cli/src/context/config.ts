import { type Config, DEFAULT_POOL, type EffectiveSetting, resolveConfig, UsageError } from '@spica/core';
import type { GlobalOptions } from '../io.ts';
import { requireAuditFile } from './audit-file.ts';
import { type Place, readConfigFile } from './config-file.ts';
import { defaultPoolAt } from './default-pool.ts';
import { readSecretFiles } from './secret-file.ts';

export interface LoadedConfig {
  readonly config: Config;
  readonly effective: readonly EffectiveSetting[];
  /** Keys of an older system's file that were not read. */
  readonly ignored: readonly string[];
  /** The config file that was read; null where there is none, and defaults apply. */
  readonly file: string | null;
}

/**
 * The one place where the config is read: flags over environment over file over defaults. A pool that it does not name has
 * the name that its marker says (`defaultPoolAt`). Throws UsageError: CONFIG_INVALID, CONFIG_MISSING for a file that was
 * named but is not there, CONFIG_UNREADABLE, WORKING_DIRECTORY_GONE where there is nothing to start from,
 * and what `readSecretFiles` throws.
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
  const input = { file, env: await readSecretFiles({ env, cwd, home }), flags, cwd, home };
  const resolved = resolveConfig(input);
  await requireAuditFile(resolved);
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
