import { afterSpawn, describeCause, openBreaker, type SpawnEnd } from '@spica/core';
import type { ServedContext } from '../context.ts';

/**
 * Counts how a spawn of a request has ended. Where that opens or closes the gate's breaker, both logs say so. An audit log
 * that takes nothing changes neither the breaker nor how the spawn ended.
 */
export async function countEnd(ctx: ServedContext, request: string, end: SpawnEnd): Promise<void> {
  const { gate, clock, config } = ctx;
  const before = gate.limits.breaker;
  gate.limits = afterSpawn(gate.limits, { request, end, now: clock.now(), terms: config.gate.breaker });
  const { openedAt } = gate.limits.breaker;
  if (openedAt === before.openedAt) return;
  ctx.publisher.soon();
  if (openedAt === null) await announce(ctx, null);
  else await announce(ctx, describeCause(gate.limits.breaker));
}

/** The host failed otherwise than by a spawn: opens the gate's breaker, and both logs say so. */
export async function openFor(ctx: ServedContext, cause: string): Promise<void> {
  const { gate, clock } = ctx;
  gate.limits = { ...gate.limits, breaker: openBreaker(gate.limits.breaker, { cause, now: clock.now() }) };
  ctx.publisher.soon();
  await announce(ctx, cause);
}

async function announce(
  { audit, logger, gate, observe }: ServedContext,
  opened: string | null,
): Promise<void> {
  observe({ kind: 'breaker', opened });
  if (opened === null) logger.info('the breaker is closed: spawns work again');
  else logger.error({ reason: opened }, 'the breaker is open: all requests are held');
  const outcome = opened === null ? 'closed' : 'open';
  await audit
    .append({ action: 'breaker', reason: opened ?? 'a spawn has worked again', outcome })
    .catch((error: unknown) => logger.error({ err: error }, 'the breaker is missing in the audit log'));
  if (opened === null) await gate.line.wake();
}
