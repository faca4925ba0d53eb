import type { GrowResult, SamplePayload } from '@spica/queues';
import { DelayedError, type Job } from 'bullmq';
import type { ServedContext } from '../context.ts';
import { growInstance } from './grow.ts';

type Asked = Extract<SamplePayload, { readonly grow: unknown }>['grow'];

/**
 * Raises an instance's cap, now or once there is room: the job is put aside, with the sum in its progress, and tries again
 * at each `gate.poll_every` until `max_wait` has passed. Throws what `growInstance` throws.
 */
export async function growOrHold(
  ctx: ServedContext,
  job: Job,
  token: string | undefined,
  { id, capBytes, maxWaitMs }: Asked,
): Promise<GrowResult> {
  const { maxWaitMs: usual, pollEveryMs } = ctx.config.gate;
  const until = job.timestamp + (maxWaitMs ?? usual);
  const now = ctx.clock.now();
  const isHeld = typeof job.progress === 'object';
  const otherwise = now >= until ? 'refused' : isHeld ? null : 'held';
  const result = await growInstance(ctx, { id, capBytes, otherwise });
  if (result.granted || result.isImpossible || now >= until) return result;
  await job.updateProgress({ phase: 'held', reason: result.sentence });
  await job.moveToDelayed(Math.min(ctx.clock.now() + pollEveryMs, until), token);
  throw new DelayedError();
}
