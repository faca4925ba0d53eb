import { Redis } from 'ioredis';

/** Commands that only wait for something, and what workers ask while they are idle, are not a request's. */
const WAITS = ['bzpopmin', 'xread'];

/** Counts the commands that this process sends to Redis, on all connections: a script counts as one. */
export interface CommandCount {
  /** Commands since the count began, without those that only wait; by name. */
  read(): ReadonlyMap<string, number>;
  stop(): void;
}

export function countCommands(): CommandCount {
  const counts = new Map<string, number>();
  const original = Redis.prototype.sendCommand;
  Redis.prototype.sendCommand = function (...args: Parameters<typeof original>) {
    const { name, args: given } = args[0] as { name: string; args: readonly unknown[] };
    if (!WAITS.includes(name)) {
      const what = name === 'evalsha' || name === 'eval' ? `${name} ${scriptOf(given)}` : name;
      counts.set(what, (counts.get(what) ?? 0) + 1);
    }
    return original.apply(this, args);
  };
  return {
    read: () => new Map(counts),
    stop: () => {
      Redis.prototype.sendCommand = original;
    },
  };
}

function scriptOf([sha]: readonly unknown[]): string {
  return String(sha).slice(0, 8);
}

/** How many there are in all. */
export function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}
