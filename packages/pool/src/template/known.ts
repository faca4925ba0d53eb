import { listStored, type Stored } from './store.ts';

/** The snapshots that this process knows of. It reads the disk when it does not know the one it is asked for. */
export function createKnown(dir: string) {
  let all: Stored[] | null = null;
  const load = async () => {
    all = await listStored(dir);
    return all;
  };
  const latestOf = (stored: readonly Stored[], name: string) =>
    stored.findLast(({ prepared }) => prepared.template === name);
  const find = (stored: readonly Stored[], name: string, fingerprint: string) =>
    stored.find(({ prepared }) => prepared.template === name && prepared.fingerprint === fingerprint);
  return {
    latest: async (name: string) => latestOf(all ?? (await load()), name),
    reload: async (name: string) => latestOf(await load(), name),
    find: async (name: string, fingerprint: string) =>
      find(all ?? [], name, fingerprint) ?? find(await load(), name, fingerprint),
    /** Those that are not on the disk for certain, and were made before then. */
    unsynced: (before: number) =>
      (all ?? []).filter(({ boot, preparedAt }) => boot !== null && preparedAt <= before),
    has: (stored: Stored) => (all ?? []).includes(stored),
    totalBytes: async () =>
      (all ?? (await load())).reduce((sum, { prepared }) => sum + prepared.allocatedBytes, 0),
    add(stored: Stored): void {
      const others = (all ?? []).filter(({ prepared }) => prepared.path !== stored.prepared.path);
      all = [...others, stored];
    },
    /** Knows something else of a snapshot that is known. */
    replace(stored: Stored): void {
      all = all?.map((each) => (each.prepared.path === stored.prepared.path ? stored : each)) ?? null;
    },
    forget(fingerprint: string): void {
      all = all?.filter(({ prepared }) => prepared.fingerprint !== fingerprint) ?? null;
    },
  };
}
