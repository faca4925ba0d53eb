import { loadConfig } from '../context/config.ts';
import { choosePool } from '../context/pool.ts';
import type { Io } from '../io.ts';
import type { Kind } from './kinds.ts';
import type { Words } from './words.ts';

/** The values that there are of a kind, for the last word. Throws where the config or Redis cannot be read. */
export async function readValues(
  io: Io,
  kind: Exclude<Kind, 'file'>,
  asked: Words,
): Promise<readonly string[]> {
  const options = asked.config === undefined ? {} : { config: asked.config };
  const { config } = await loadConfig(io, options);
  if (kind === 'pool') return Object.keys(config.pools);
  const policy = choosePool(config, asked.pool);
  if (kind === 'template') return Object.keys(policy.templates);
  const { readFromCatalog } = await import('./catalog.ts');
  const text = (asked.words.at(-1) ?? '').replace(/^.*=/, '');
  return readFromCatalog(config, policy, { kind, text });
}
