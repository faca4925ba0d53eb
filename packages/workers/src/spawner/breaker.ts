import { afterSpawn, countOf, type SpawnEnd } from '@spica/core';
import type { ServedContext } from '../context.ts';

/**
 * Counts how a spawn of a request has ended. Where that opens or closes the gate's breaker, both logs say so. An audit log
 * that takes nothing changes neither the breaker nor how the spawn ended.
 */
export async function countEnd(ctx: ServedContext, request: string, end: SpawnEnd): Promise<void> {
  const { gate, clock, config } = ctx;
  const before = gate.limits.breaker;
  gate.limits = afterSpawn(gate.limits, { request, end, now: clock.now(), terms: config.gate.breaker });
  const { openedAt, failures } = gate.limits.breaker;
  if (openedAt === before.openedAt) return;
  ctx.publisher.soon();
  if (openedAt === null) await announce(ctx, null);
  else await announce(ctx, `${countOf(failures, 'spawn')} in a row failed for reasons of the host`);
}

async function announce({ audit, logger, gate }: ServedContext, opened: string | null): Promise<void> {
  if (opened === null) logger.info('the breaker is closed: spawns work again');
  else logger.error({ reason: opened }, 'the breaker is open: all requests are held');
  const outcome = opened === null ? 'closed' : 'open';
  await audit
    .append({ action: 'breaker', reason: opened ?? 'a spawn has worked again', outcome })
    .catch((error: unknown) => logger.error({ err: error }, 'the breaker is missing in the audit log'));
  if (opened === null) await gate.line.wake();
}
