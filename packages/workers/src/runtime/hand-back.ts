import { DelayedError, type Job } from 'bullmq';
import { isRefusedByRedis } from './refused.ts';

/** The reason that jobs are cancelled with when their worker ends. */
export const SHUTTING_DOWN = 'shutting down';

/** What could not be written for now is tried again after this. */
const AGAIN_MS = 1_000;

/**
 * Runs a job's work. One that was asked to stop because its worker ends goes back to its queue, to be taken up by the
 * next start; so does one that Redis took no writes from, as on a full disk. Whatever else it throws is passed on.
 */
export async function handBack<T>(
  job: Job,
  token: string | undefined,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isRefusedByRedis(error)) return tryAgain(job, token);
    if (!signal?.aborted || signal.reason !== SHUTTING_DOWN) throw error;
    await job.moveToDelayed(Date.now(), token);
    throw new DelayedError();
  }
}

/** Puts a job aside for a moment. Never returns. */
export async function tryAgain(job: Job, token: string | undefined): Promise<never> {
  try {
    await job.moveToDelayed(Date.now() + AGAIN_MS, token);
  } catch (error) {
    // It stays where it is, and is taken up again when its lock has run out.
    if (!isRefusedByRedis(error)) throw error;
  }
  throw new DelayedError();
}
