import { type Layers, placeOf, poolNames, put, sourceOf, valueAt } from './layers.ts';
import { fileSchema, LEGACY_BLOCK, legacySchema } from './schema.ts';

/** Where a key of the older block stands now, below a pool. */
const SECTION: Readonly<Record<keyof typeof legacySchema.shape, 'retention' | 'disk'>> = {
  max_instances: 'retention',
  max_age_days: 'retention',
  prune_on_spawn: 'retention',
  min_free_space_gb: 'disk',
};

/**
 * Whether a file with these keys at its top is an older system's: it has the block, and none of our keys. Then only the
 * block is read, whatever the rest of the file is about.
 */
export function isOlderSystems(keys: readonly string[]): boolean {
  return keys.includes(LEGACY_BLOCK) && !keys.some((key) => key !== LEGACY_BLOCK && key in fileSchema.shape);
}

/**
 * Lays the older `spica_retention:` block under every pool, as its default; where none is given, under the one that there is.
 * Nothing of a wrong one is laid, so that the schema refuses it once, by its own path.
 */
export function applyLegacy(layers: Layers): void {
  const block = legacySchema.safeParse(valueAt(layers, [LEGACY_BLOCK])).data;
  if (block === undefined) return;
  for (const [key, section] of Object.entries(SECTION)) {
    const value = block[key as keyof typeof SECTION];
    if (value === undefined) continue;
    for (const pool of poolNames(layers)) {
      const path = ['pools', pool, section, key];
      if (!layers.sources.has(placeOf(path))) put(layers, path, value, sourceOf(layers, [LEGACY_BLOCK, key]));
    }
  }
}
