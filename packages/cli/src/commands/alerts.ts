import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type AlertGroup, alertsOf, type Config } from '@spica/core';
import { isInImage } from '@spica/pool';
import { stringify } from 'yaml';
import { loadConfig } from '../context/config.ts';
import { choosePools } from '../context/pool.ts';
import type { Invocation } from '../io.ts';
import { writeJson } from '../output/write.ts';

export interface AlertsOptions {
  readonly output?: string;
  readonly runbooks?: string;
}

/** Relative, since nobody knows where these pages are put. */
const RUNBOOKS = 'docs/operating.md';
const HEAD = `# Rules for Prometheus, by \`spica alerts\` from the config in force: make them anew when it changes.\n`;

/**
 * `spica alerts`: the rules that Prometheus alerts by, with the thresholds of the config. Changes nothing but the file that
 * it is told to write.
 */
export async function alerts({ io, options }: Invocation<AlertsOptions>): Promise<number> {
  const loaded = await loadConfig(io, options);
  const config = choosePools(loaded.config, options.pool);
  const runbooks = options.runbooks ?? RUNBOOKS;
  const groups = alertsOf(config, { inImage: await poolsInImages(config), runbooks });
  if (options.output !== undefined) {
    await writeFile(resolve(io.cwd ?? io.home, options.output), toYaml(groups));
    if (options.json) writeJson(io.stdout, { output: options.output, groups });
    return 0;
  }
  if (options.json) writeJson(io.stdout, { groups });
  else io.stdout.write(toYaml(groups));
  return 0;
}

function toYaml(groups: readonly AlertGroup[]): string {
  return HEAD + stringify({ groups }, { lineWidth: 0 });
}

async function poolsInImages({ pools }: Config): Promise<ReadonlySet<string>> {
  const names: string[] = [];
  for (const { name, root, image } of Object.values(pools)) {
    if (image !== null || (await isInImage(root))) names.push(name);
  }
  return new Set(names);
}
