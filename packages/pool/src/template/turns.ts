/** Work that must not run twice at once. */
export interface Turns {
  /** Runs work one at a time for each name, in the order of the calls. */
  run<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Runs work while nothing else runs, whatever its name: at once, or not at all where something runs or waits. */
  alone(work: () => Promise<void>): Promise<void>;
}

export function createTurns(): Turns {
  const last = new Map<string, Promise<unknown>>();
  let lonely: Promise<unknown> | null = null;

  const enter = <T>(name: string, before: Promise<unknown>, work: () => Promise<T>): Promise<T> => {
    const mine = before.then(work, work);
    last.set(name, mine);
    const done = () => {
      if (last.get(name) === mine) last.delete(name);
    };
    mine.then(done, done);
    return mine;
  };

  return {
    run: (name, work) => enter(name, last.get(name) ?? lonely ?? Promise.resolve(), work),
    async alone(work) {
      if (last.size > 0 || lonely) return;
      lonely = work();
      try {
        await lonely;
      } finally {
        lonely = null;
      }
    },
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
