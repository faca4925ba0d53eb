import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isInstanceId } from '@spica/core';
import type { Pool } from '@spica/pool';

/** The ids of what lies in a pool's root under the name of an instance. */
export async function instancesOnDisk({ paths }: Pool): Promise<string[]> {
  return (await readdir(paths.root)).filter(isInstanceId).sort();
}

/**
 * What a visible instance lacks to be whole: its manifest, its lineage, or a file of the template `data/` (which
 * `makeTemplate` made) of its full size. Empty when it is whole.
 */
export function whatLacks(pool: Pool, id: string, template: string): string[] {
  const dir = pool.pathOf(id);
  const sizes = (of: string) =>
    new Map(readdirSync(join(of, 'data')).map((name) => [name, lstatSync(join(of, 'data', name)).size]));
  try {
    const manifest = JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8'));
    JSON.parse(readFileSync(join(dir, 'lineage.json'), 'utf8'));
    const there = sizes(dir);
    const lacks = [...sizes(template)]
      .filter(([name, size]) => there.get(name) !== size)
      .map(([name]) => name);
    return manifest.spica_id === id ? lacks : [...lacks, `an id of its own: it has ${manifest.spica_id}`];
  } catch (error) {
    return [String(error)];
  }
}
