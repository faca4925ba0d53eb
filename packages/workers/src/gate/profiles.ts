import type { Catalog } from '@spica/catalog';
import type { Profile, SetSize } from '@spica/core';

/** What is known of what instances become. */
export interface Known {
  /** Null where none has finished. */
  readonly profile: Profile | null;
  /** What an operator has said instead; null for nothing. */
  readonly set: SetSize | null;
}

/** The profiles that decisions are made by, read once in a while: hardly anybody but the serving process changes them. */
export interface Profiles {
  /** Of `template:…`, `experiment:…` or `replica:…`. */
  read(of: string): Promise<Known>;
  /** Recomputes the stored profiles of these, and reads them anew when next asked. */
  refresh(changed: Iterable<string>): Promise<void>;
  /** An operator may have changed some: all are read anew when next asked. */
  forget(): void;
}

/** Each experiment has a profile of its own, and experiments come and go. */
const MOST_KEPT = 1_000;

export function createProfiles(
  catalog: Pick<Catalog, 'readProfile' | 'readSetSize' | 'refreshProfile'>,
): Profiles {
  const known = new Map<string, Promise<Known>>();
  const readBoth = async (of: string): Promise<Known> => {
    const [profile, set] = await Promise.all([catalog.readProfile(of), catalog.readSetSize(of)]);
    return { profile, set };
  };
  return {
    read(of) {
      const found = known.get(of);
      if (found) return found;
      if (known.size >= MOST_KEPT) known.clear();
      const reading = readBoth(of);
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
    forget: () => known.clear(),
  };
}
