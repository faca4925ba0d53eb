import { CheckError, floorOf, formatBytes, RefusedError } from '@spica/core';
import { checkMarker } from '@spica/pool';
import type { PreparePayload, PrepareResult } from '@spica/queues';
import type { ServedContext } from '../context.ts';

/**
 * Brings a template's prepared snapshot up to date. Throws RefusedError TEMPLATE_TOO_LARGE when the floor could never
 * allow it, CheckError NO_SPACE when there is no room for it now, and what the template itself is refused for.
 */
export async function prepareTemplate(
  ctx: ServedContext,
  { template }: PreparePayload,
  signal?: AbortSignal,
): Promise<PrepareResult> {
  await checkMarker(ctx.pool);
  const current = await ctx.templates.current(template);
  if (current) return { fingerprint: current.fingerprint };
  const size = await ctx.templates.size(template);
  await checkRoom(ctx, template, size.bytes);
  const prepared = await ctx.templates.prepare(template, signal ? { signal } : {});
  ctx.logger.info(
    { template, fingerprint: prepared.fingerprint, bytes: prepared.allocatedBytes },
    'template prepared',
  );
  return { fingerprint: prepared.fingerprint };
}

async function checkRoom(ctx: ServedContext, template: string, bytes: number): Promise<void> {
  const { reserved, growth } = await ctx.catalog.ledger(ctx.clock.now());
  const space = await ctx.gauge.read({ maxAgeMs: 0 });
  const floor = floorOf(ctx.policy.disk, space.totalInodes);
  if (bytes > space.totalBytes - floor.bytes) {
    throw new RefusedError(
      'TEMPLATE_TOO_LARGE',
      `template ${template}: ${formatBytes(bytes)} can never fit: the disk has ${formatBytes(space.totalBytes)}, ` +
        `of which ${formatBytes(floor.bytes)} are the floor`,
    );
  }
  const roomBytes = space.availableBytes - reserved.bytes - growth.bytes - floor.bytes;
  if (bytes > roomBytes) {
    throw new CheckError(
      'NO_SPACE',
      `template ${template}: no room for its snapshot of ${formatBytes(bytes)}: ${formatBytes(space.availableBytes)} ` +
        `available − ${formatBytes(reserved.bytes)} reserved − ${formatBytes(growth.bytes)} growth − ${formatBytes(floor.bytes)} floor`,
    );
  }
}
