import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';
import type { Run } from './ops.ts';

/** Longer than any request lives. */
const REMEMBER_SECONDS = 30 * 86_400;

/** What becomes of requests, as far as processes other than the serving one have a say in it. */
export interface Requests {
  /**
   * A request is not wanted any more: held, it leaves at once; being spawned, it is undone. `completed` when it comes
   * too late: then it changes nothing.
   */
  cancel(request: string, life: string): Promise<'cancelled' | 'completed'>;
  isCancelled(request: string, life: string): Promise<boolean>;
  isCompleted(request: string, life: string): Promise<boolean>;
  /** The request's instances become ready, unless it was cancelled before: then it changes nothing. */
  completeRequest(request: string, life: string, ids: readonly string[]): Promise<'completed' | 'cancelled'>;
}

export function createRequests(redis: Redis, keys: Keys, run: Run): Requests {
  return {
    async cancel(request, life) {
      return (await run('cancel_request', [request, life, REMEMBER_SECONDS])) as 'cancelled' | 'completed';
    },
    async isCancelled(request, life) {
      return (await redis.exists(keys.cancelled(request, life))) === 1;
    },
    async isCompleted(request, life) {
      return (await redis.exists(keys.completed(request, life))) === 1;
    },
    async completeRequest(request, life, ids) {
      const args = [request, life, REMEMBER_SECONDS, ...ids];
      return (await run('complete_request', args)) as 'completed' | 'cancelled';
    },
  };
}
