import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

/** Commands that only wait for something are nobody's work. */
const WAITS = ['bzpopmin', 'xread'];
const IDLE_MS = 3_000;

/**
 * How many commands this process sends to Redis while `work` runs, on all connections: a script counts as one. Without
 * those that only wait, and without what it sends anyway in so much time, as it did for 3 s before.
 */
export async function commandsOf(work: () => Promise<unknown>): Promise<number> {
  const idle = await count(() => sleep(IDLE_MS));
  const busy = await count(work);
  return busy.commands - (idle.commands / idle.ms) * busy.ms;
}

async function count(work: () => Promise<unknown>): Promise<{ commands: number; ms: number }> {
  const original = Redis.prototype.sendCommand;
  let commands = 0;
  Redis.prototype.sendCommand = function (...args: Parameters<typeof original>) {
    if (!WAITS.includes(args[0].name)) commands += 1;
    return original.apply(this, args);
  };
  const start = performance.now();
  try {
    await work();
    return { commands, ms: performance.now() - start };
  } finally {
    Redis.prototype.sendCommand = original;
  }
}
