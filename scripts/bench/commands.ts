import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Redis } from 'ioredis';

/** Commands that only wait for something are nobody's work. */
const WAITS = ['bzpopmin', 'xread'];
const IDLE_MS = 3_000;

/** Commands to Redis; a script counts as one. */
export interface Commands {
  readonly sent: number;
  /** By which workers looked for a next job, and there was none: not among `sent`. */
  readonly emptyFetches: number;
}

/**
 * How many commands this process sends to Redis while `work` runs, on all connections: without idle polling, which is
 * those that only wait, a worker's looks for a job that is not there, and what the process sends anyway in so much time,
 * as it did for 3 s before.
 */
export async function commandsOf(work: () => Promise<unknown>): Promise<Commands> {
  const idle = await count(() => sleep(IDLE_MS));
  const busy = await count(work);
  const share = busy.ms / idle.ms;
  return {
    sent: busy.sent - idle.sent * share,
    emptyFetches: busy.emptyFetches - idle.emptyFetches * share,
  };
}

async function count(work: () => Promise<unknown>): Promise<Commands & { ms: number }> {
  const original = Redis.prototype.sendCommand;
  let sent = 0;
  let emptyFetches = 0;
  Redis.prototype.sendCommand = function (...args: Parameters<typeof original>) {
    const [command] = args;
    const reply = original.apply(this, args);
    if (WAITS.includes(command.name)) return reply;
    sent += 1;
    if (isFetch(this, command)) {
      command.promise.then(
        (job) => {
          if (Array.isArray(job) && job[0]) return;
          sent -= 1;
          emptyFetches += 1;
        },
        () => undefined, // it was sent; the worker hears of the error
      );
    }
    return reply;
  };
  const start = performance.now();
  try {
    await work();
    return { sent, emptyFetches, ms: performance.now() - start };
  } finally {
    Redis.prototype.sendCommand = original;
  }
}

/** Whether it is the script by which BullMQ's workers fetch their next job. */
function isFetch(redis: Redis, { name, args }: Command): boolean {
  if (name !== 'evalsha' && name !== 'eval') return false;
  const scripts = Object.entries(redis.scriptsSet as Record<string, { sha: string; lua: string }>);
  const fetch = scripts.find(([script]) => script.startsWith('moveToActive'))?.[1];
  return args[0] === fetch?.sha || args[0] === fetch?.lua;
}
