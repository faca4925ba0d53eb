import { createHash } from 'node:crypto';
import type { Config, Param } from '@spica/core';
import { jsonText } from '../json-file.ts';
import type { Prepared } from '../template/prepared.ts';
import type { Lineage, Manifest } from './schema.ts';

/** What `lineage.json` of a new instance says. `spawnedAt` in epoch milliseconds. */
export function buildLineage(of: {
  readonly id: string;
  readonly parent: string | null;
  readonly originCommit: string;
  readonly generation: number;
  readonly spawnedAt: number;
}): Lineage {
  return {
    spica_id: of.id,
    parent_id: of.parent,
    origin_commit: of.originCommit,
    generation: of.generation,
    spawned_at: new Date(of.spawnedAt).toISOString(),
  };
}

/** What `manifest.json` of a new instance says. `spawnedAt` in epoch milliseconds. */
export function buildManifest(of: {
  readonly id: string;
  readonly prepared: Pick<Prepared, 'templateRef' | 'version'>;
  readonly lineage: Lineage;
  readonly seed: number;
  readonly params: Readonly<Record<string, Param>>;
  readonly budget: Config['budget'];
  readonly spawnedAt: number;
  readonly notes: string;
}): Manifest {
  return {
    schema: 'spica.manifest/v1',
    spica_id: of.id,
    template_ref: of.prepared.templateRef,
    template_version: of.prepared.version,
    lineage_sha: hashOf(jsonText(of.lineage)),
    seed: of.seed,
    params: { ...of.params },
    budget: { cpu: of.budget.cpu, ram_gb: of.budget.ramGb, vram_gb: of.budget.vramGb },
    spawned_at: new Date(of.spawnedAt).toISOString(),
    notes: of.notes,
  };
}

export function hashOf(bytes: string | Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
