/**
 * Lets calls share work. Each gets the result of work that began no earlier than its call: calls that come while the
 * work is under way share the next run, which begins when this one has ended, well or not. So at most one run is under
 * way, and one is waiting, however many ask.
 */
export function singleFlight<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null;
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
    if (next) return next; // first: the run before it may have ended, and this one not begun
    if (!running) return start();
    next = running.then(start, start);
    return next;
  };
}
