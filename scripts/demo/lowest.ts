import { statfsSync } from 'node:fs';

/** Watches the space that a filesystem has available, four times in a second, and keeps the lowest figure. */
export function watchLowest(dir: string): {
  readonly before: number;
  stop(): { lowest: number; after: number };
} {
  const look = () => {
    const { bavail, bsize } = statfsSync(dir);
    return bavail * bsize;
  };
  const before = look();
  let lowest = before;
  const timer = setInterval(() => {
    lowest = Math.min(lowest, look());
  }, 250);
  return {
    before,
    stop() {
      clearInterval(timer);
      const after = look();
      return { lowest: Math.min(lowest, after), after };
    },
  };
}
