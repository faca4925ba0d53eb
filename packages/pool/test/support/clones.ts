import { randomBytes } from 'node:crypto';
import { type CloneMethod, type Param, systemClock, type TemplateConfig } from '@spica/core';
import { pino } from 'pino';
import { cloneInstance } from '../../src/clone/clone.ts';
import { probeCloneMethod } from '../../src/clone/probe.ts';
import type { Pool } from '../../src/layout.ts';
import { buildLineage, buildManifest } from '../../src/manifest/build.ts';
import { initPool } from '../../src/marker/init.ts';
import type { Prepared } from '../../src/template/prepared.ts';
import { createTemplates, type Templates } from '../../src/template/templates.ts';

/** A pool at `root` with one template, `default`. */
export interface Nursery {
  readonly pool: Pool;
  readonly method: CloneMethod;
  readonly templates: Templates;
  /** Clones the template as it was prepared, and returns where the instance lies. */
  clone(prepared: Prepared, options?: CloneOptions): Promise<string>;
}

interface CloneOptions {
  readonly id?: string;
  readonly params?: Readonly<Record<string, Param>>;
  readonly signal?: AbortSignal;
}

export async function openNursery(
  root: string,
  template: string,
  ofTemplate: Partial<TemplateConfig> = {},
): Promise<Nursery> {
  const pool = await initPool({ name: 'main', root, clock: systemClock });
  const method = await probeCloneMethod(pool);
  const templates = createTemplates({
    pool,
    sources: { default: { path: template, ...ofTemplate } },
    method,
    clock: systemClock,
    logger: pino({ level: 'silent' }),
  });
  return {
    pool,
    method,
    templates,
    async clone(prepared, { id = newId(), params = {}, signal } = {}) {
      const spawnedAt = systemClock.now();
      const { originCommit } = prepared;
      const lineage = buildLineage({ id, parent: null, originCommit, generation: 0, spawnedAt });
      const budget = { cpu: 4, ramGb: 8, vramGb: 8 };
      const manifest = buildManifest({
        id,
        prepared,
        lineage,
        seed: 7,
        params,
        budget,
        spawnedAt,
        notes: '',
      });
      const own = { id, manifest, lineage, params, ...(signal ? { signal } : {}) };
      await cloneInstance({ pool, prepared, method, isLive: false, charge: null, ...own });
      return pool.pathOf(id);
    },
  };
}

export function newId(): string {
  return `spica-${randomBytes(6).toString('hex')}`;
}
