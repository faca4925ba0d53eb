/** Runs work one at a time for each name, in the order of the calls. */
export function createTurns() {
  const last = new Map<string, Promise<unknown>>();
  return {
    run<T>(name: string, work: () => Promise<T>): Promise<T> {
      const before = last.get(name) ?? Promise.resolve();
      const mine = before.then(work, work);
      last.set(name, mine);
      const done = () => {
        if (last.get(name) === mine) last.delete(name);
      };
      mine.then(done, done);
      return mine;
    },
    /** Whether nothing runs or waits. */
    idle: () => last.size === 0,
  };
}

/**
 * Lets calls share work, each getting one that began no earlier than the call: those that come while one is under way
 * share the next.
 */
export function createShared<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> | null = null;
  let next: Promise<T> | null = null;
  const start = (): Promise<T> => {
    next = null;
    const mine = work();
    running = mine;
    const done = () => {
      if (running === mine) running = null;
    };
    mine.then(done, done);
    return mine;
  };
  return () => {
    if (!running) return start();
    next ??= running.then(start, start);
    return next;
  };
}
