import { loadConfig } from '../context/config.ts';
import { choosePools } from '../context/pool.ts';
import type { Invocation } from '../io.ts';
import { writeJson, writeRows } from '../output/write.ts';

/** `spica config`: every setting in force and where it comes from. */
export async function config({ io, options }: Invocation): Promise<number> {
  const { config: loaded, effective, file } = await loadConfig(io, options);
  const { pools } = choosePools(loaded, options.pool);
  const settings = effective.filter(({ path }) => ofPools(path, Object.keys(pools)));
  if (options.json) {
    writeJson(io.stdout, { file, settings });
    return 0;
  }
  writeRows(
    io.stdout,
    [
      { title: 'setting', text: ({ path }) => path },
      { title: 'value', text: ({ value }) => (typeof value === 'string' ? value : JSON.stringify(value)) },
      { title: 'source', text: ({ source }) => source },
    ],
    settings,
  );
  return 0;
}

function ofPools(path: string, pools: readonly string[]): boolean {
  return !path.startsWith('pools.') || pools.some((pool) => path.startsWith(`pools.${pool}.`));
}
