import {
  type PrepareResult,
  parsePayload,
  preparePayloadSchema,
  type SpawnResult,
  spawnPayloadSchema,
  toJobError,
} from '@spica/queues';
import type { Job } from 'bullmq';
import type { ServedContext } from '../context.ts';
import { prepareTemplate } from './prepare.ts';
import { spawnInstance } from './spawn.ts';

/** The spawn queue's processor: `prepare` and `spawn` jobs. */
export function createSpawner(ctx: ServedContext) {
  return async (job: Job, _token?: string, signal?: AbortSignal): Promise<SpawnResult | PrepareResult> => {
    const where = `${job.name} job ${job.id}`;
    try {
      if (job.name === 'prepare') {
        return await prepareTemplate(ctx, parsePayload(preparePayloadSchema, job.data, where), signal);
      }
      return await spawnInstance(ctx, parsePayload(spawnPayloadSchema, job.data, where), signal);
    } catch (error) {
      ctx.logger.warn({ err: error, job: job.id }, `${job.name} failed`);
      throw toJobError(error);
    }
  };
}
