import * as z from 'zod';

const count = z.int().min(0);

/**
 * `manifest.json`. Reading is more lenient than writing, so that instances of other makers can be taken in: keys that
 * are not known are passed over, and `spawned_at` need not be a time (`spawnedAtOf`).
 */
export const manifestSchema = z.object({
  schema: z.literal('spica.manifest/v1'),
  spica_id: z.string().min(1),
  /** `git:<first 8 digits of the template's commit, or unknown>` */
  template_ref: z.string(),
  template_version: z.string(),
  /** SHA-256, hex, of the bytes of `lineage.json`. */
  lineage_sha: z.string(),
  seed: z.int().min(0).max(0xffff_ffff),
  params: z.record(z.string(), z.unknown()),
  budget: z.object({ cpu: count, ram_gb: count, vram_gb: count }),
  spawned_at: z.string(),
  notes: z.string(),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** `lineage.json`. */
export const lineageSchema = z.object({
  spica_id: z.string().min(1),
  parent_id: z.string().nullable(),
  origin_commit: z.string(),
  /** The parent's + 1; 0 without one. */
  generation: count,
  spawned_at: z.string(),
});
export type Lineage = z.infer<typeof lineageSchema>;
