import { DelayedError, type Job } from 'bullmq';

/** The reason that jobs are cancelled with when their worker ends. */
export const SHUTTING_DOWN = 'shutting down';

/**
 * Runs a job's work. One that was told to stop because its worker ends goes back to its queue, to be taken up by the
 * next start; whatever else it throws is passed on.
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
    if (!signal?.aborted || signal.reason !== SHUTTING_DOWN) throw error;
    await job.moveToDelayed(Date.now(), token);
    throw new DelayedError();
  }
}
