import { type Layers, placeOf, poolNames, put, sourceOf, valueAt } from './layers.ts';
import { LEGACY_BLOCK, legacySchema } from './schema.ts';

/** Where a key of the older block stands now, below a pool. */
const SECTION: Readonly<Record<keyof typeof legacySchema.shape, 'retention' | 'disk'>> = {
  max_instances: 'retention',
  max_age_days: 'retention',
  prune_on_spawn: 'retention',
  min_free_space_gb: 'disk',
};

/**
 * Lays the older `spica_retention:` block under every pool, as its default; without pools it makes the pool `main`.
 * Nothing of a wrong one is laid, so that the schema refuses it once, by its own path.
 */
export function applyLegacy(layers: Layers): void {
  if (!legacySchema.safeParse(valueAt(layers, [LEGACY_BLOCK])).success) return;
  for (const [key, section] of Object.entries(SECTION)) {
    const value = valueAt(layers, [LEGACY_BLOCK, key]);
    if (value === undefined) continue;
    for (const pool of poolNames(layers)) {
      const path = ['pools', pool, section, key];
      if (!layers.sources.has(placeOf(path))) put(layers, path, value, sourceOf(layers, [LEGACY_BLOCK, key]));
    }
  }
}
