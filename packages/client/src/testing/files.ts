import { createHash } from 'node:crypto';
import { appendFile, cp, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isoTime, nullIfMissing, seedOf } from '@spica/core';
import type { RequestedSpawn } from '../view.ts';

export interface NewInstance {
  readonly id: string;
  readonly path: string;
  readonly request: string;
  readonly index: number;
  readonly generation: number;
  /** Epoch milliseconds. */
  readonly spawnedAt: number;
}

/**
 * Makes an instance's directory: a copy of `source` (null for an empty one) with `manifest.json`, `lineage.json`, and the
 * parameters in `.env.spica` where the template has one. It is there only once it is whole.
 */
export async function makeInstance(
  { id, path, request, index, generation, spawnedAt }: NewInstance,
  { pool, parent, params: shared, paramsEach, budget, notes }: RequestedSpawn,
  source: string | null,
): Promise<void> {
  const draft = join(dirname(path), `.${id}`);
  await mkdir(draft, { recursive: true });
  if (source !== null) await cp(source, draft, { recursive: true, verbatimSymlinks: true });
  const params = { ...shared, ...paramsEach?.[index] };
  const at = isoTime(spawnedAt);
  const lineage = jsonText({
    spica_id: id,
    parent_id: parent,
    origin_commit: 'unknown',
    generation,
    spawned_at: at,
  });
  const manifest = jsonText({
    schema: 'spica.manifest/v1',
    spica_id: id,
    template_ref: 'git:unknown',
    template_version: await versionIn(draft),
    lineage_sha: createHash('sha256').update(lineage).digest('hex'),
    seed: seedOf(pool, request, index),
    params,
    budget: { cpu: budget?.cpu ?? 4, ram_gb: budget?.ramGb ?? 8, vram_gb: budget?.vramGb ?? 8 },
    spawned_at: at,
    notes,
  });
  await writeFile(join(draft, 'lineage.json'), lineage);
  await writeFile(join(draft, 'manifest.json'), manifest);
  const lines = Object.entries(params).map(([name, value]) => `${name}=${value}\n`);
  if ((await nullIfMissing(stat(join(draft, '.env.spica')))) !== null)
    await appendFile(join(draft, '.env.spica'), lines.join(''));
  await rename(draft, path);
}

export async function versionIn(dir: string): Promise<string> {
  return (await nullIfMissing(readFile(join(dir, 'VERSION'), 'utf8')))?.trim() ?? '0';
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** SHA-256, hex, of an instance's lineage.json. */
export async function lineageHash(dir: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(join(dir, 'lineage.json')))
    .digest('hex');
}
