import { type Config, describePolicy, retentionPolicyOf } from '@spica/core';
import { loadConfig } from '../context/config.ts';
import { choosePools } from '../context/pool.ts';
import type { Invocation } from '../io.ts';
import { writeJson, writeRows } from '../output/write.ts';

/** `spica config`: every setting in force and where it comes from, and what each pool's retention comes to in words. */
export async function config({ io, options }: Invocation): Promise<number> {
  const { config: loaded, effective, file, ignored } = await loadConfig(io, options);
  const { pools } = choosePools(loaded, options.pool);
  const settings = effective.filter(({ path }) => ofPools(path, Object.keys(pools)));
  const policies = sayPolicies(pools);
  if (options.json) {
    writeJson(io.stdout, { file, ignored, settings, policies });
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
  // When piped, standard output is for the settings alone.
  const words = io.stdout.isTTY ? io.stdout : io.stderr;
  if (ignored.length > 0) {
    words.write(`${file} is an older system's: only spica_retention was read, not ${ignored.join(', ')}\n`);
  }
  for (const [pool, sentence] of Object.entries(policies)) words.write(`pool ${pool} keeps ${sentence}\n`);
  return 0;
}

function sayPolicies(pools: Config['pools']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(pools).map(([name, { retention }]) => [
      name,
      describePolicy(retentionPolicyOf(retention)),
    ]),
  );
}

function ofPools(path: string, pools: readonly string[]): boolean {
  return !path.startsWith('pools.') || pools.some((pool) => path.startsWith(`pools.${pool}.`));
}
