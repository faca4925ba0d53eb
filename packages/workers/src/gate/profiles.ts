import type { Catalog } from '@spica/catalog';
import type { Profile } from '@spica/core';

/** The profiles that decisions are made by, read once: only the process that serves the pool changes them. */
export interface Profiles {
  /** Of `template:…`, `experiment:…` or `replica:…`; null where none of its instances has finished. */
  read(of: string): Promise<Profile | null>;
  /** Recomputes the stored profiles of these, and reads them anew when next asked. */
  refresh(changed: Iterable<string>): Promise<void>;
}

/** Each experiment has a profile of its own, and experiments come and go. */
const MOST_KEPT = 1_000;

export function createProfiles(catalog: Pick<Catalog, 'readProfile' | 'refreshProfile'>): Profiles {
  const known = new Map<string, Promise<Profile | null>>();
  return {
    read(of) {
      const found = known.get(of);
      if (found) return found;
      if (known.size >= MOST_KEPT) known.clear();
      const reading = catalog.readProfile(of);
      known.set(of, reading);
      reading.catch(() => known.delete(of));
      return reading;
    },
    async refresh(changed) {
      for (const of of new Set(changed)) {
        await catalog.refreshProfile(of);
        known.delete(of);
      }
    },
  };
}
