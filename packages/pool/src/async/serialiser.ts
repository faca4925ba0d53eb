/** Runs work one at a time for each key, in the order of the calls; work of different keys runs side by side. */
export interface Serialiser {
  /** Resolves or rejects as the work does. A failure does not keep the work behind it from running. */
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
}

export function createSerialiser(): Serialiser {
  const last = new Map<string, Promise<unknown>>();
  return {
    run(key, work) {
      const mine = (last.get(key) ?? Promise.resolve()).then(work, work);
      last.set(key, mine);
      const done = () => {
        if (last.get(key) === mine) last.delete(key);
      };
      mine.then(done, done);
      return mine;
    },
  };
}
