import { setTimeout } from 'node:timers/promises';
import { formatDuration, TimedOutError } from '@spica/core';
import { type PoolQueues, progressOf, type RequestResult, watchRequests } from '@spica/queues';
import type { Redis } from 'ioredis';
import type { Io } from '../io.ts';
import { oneLine } from '../output/one-line.ts';
import { createProgress, type ProgressView } from '../output/progress.ts';
import { waitWhileServed } from '../wait/wait-for.ts';

export interface RequestWait {
  readonly io: Io;
  readonly redis: Redis;
  readonly pool: string;
  /** Instances asked for. */
  readonly count: number;
  /** Give up waiting after this long; null never. */
  readonly timeoutMs: number | null;
}

/** Node's timers take no more. */
const FOREVER_MS = 2 ** 31 - 1;
const LOOK_EVERY_MS = 300;

/**
 * Waits for a request's end and shows its way on standard error. Throws RefusedError or CheckError as it ended,
 * TimedOutError, Interrupted or UnreachableError when the waiting ended before it; each says how to look again.
 */
export async function waitForRequest(
  queues: PoolQueues,
  id: string,
  wait: RequestWait,
): Promise<RequestResult> {
  const { io, redis, pool, count } = wait;
  const timeoutMs = wait.timeoutMs ?? FOREVER_MS;
  const again = `\`spica show ${id}\` shows how it stands`;
  const watcher = await watchRequests(queues, redis);
  const view = createProgress(io.stderr, { request: id, count }); // holds the process until it is stopped
  try {
    const goesOn = `request ${id} goes on; ${again}`;
    return await waitWhileServed({ io, redis, served: { pool, queue: 'gate' }, goesOn }, (signal) =>
      Promise.race([watcher.wait(id, { timeoutMs, signal }), follow(queues, id, { count, view, signal })]),
    );
  } catch (error) {
    if (!(error instanceof TimedOutError)) throw error;
    const message = `request ${id} has not ended within ${formatDuration(timeoutMs)} (--timeout); it goes on, and ${again}`;
    throw new TimedOutError(error.code, message, { request: id }, error);
  } finally {
    view.stop();
    await watcher.close();
  }
}

/** Prints on standard error what was warned of when a snapshot was prepared for the request: its instances have it too. */
export async function writeWarnings(queues: PoolQueues, id: string, { stderr }: Io): Promise<void> {
  const { logs } = await queues.gate.getJobLogs(id);
  for (const line of logs) if (line.startsWith('warning: ')) stderr.write(`${oneLine(line)}\n`);
}

/** Shows where the request stands, until the signal is aborted; never resolves. */
async function follow(
  queues: PoolQueues,
  id: string,
  { count, view, signal }: { count: number; view: ProgressView; signal: AbortSignal },
): Promise<never> {
  for (;;) {
    const job = await queues.gate.getJob(id);
    const progress = progressOf(job?.progress);
    if (progress) view.step(progress);
    if (job && progress?.phase === 'spawning') {
      const { unprocessed = count } = await job.getDependenciesCount({ unprocessed: true });
      view.spawned(Math.max(0, count - unprocessed));
    }
    await setTimeout(LOOK_EVERY_MS, undefined, { signal });
  }
}
