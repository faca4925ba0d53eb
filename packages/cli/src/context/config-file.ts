import { readFile } from 'node:fs/promises';
import { absolutePathOf, configFileCandidates, reasonOf, UsageError } from '@spica/core';
import type { Io } from '../io.ts';

/** What the config is read from. */
export type Place = Pick<Io, 'env' | 'cwd' | 'home'>;

/**
 * The config file, read and not looked at yet; null where there is none. `asked`: what `--config` names. Throws UsageError
 * CONFIG_MISSING, CONFIG_UNREADABLE, CONFIG_INVALID for what is no path.
 */
export async function readConfigFile(
  place: Place,
  asked: string | undefined,
): Promise<{ readonly path: string; readonly text: string } | null> {
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
    throw new UsageError('CONFIG_UNREADABLE', `config: ${path}: ${reasonOf(error)}`, { path }, error);
  }
}
