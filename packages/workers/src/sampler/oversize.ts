import { formatBytes, type InstanceRecord, isAtCap, type Oversize } from '@spica/core';
import type { ServedContext } from '../context.ts';

/**
 * Flags an instance that is larger than `max_instance_gb`, or at its cap, once for each `on_oversize`, in the audit log and the
 * program's; with `end_lease` its lease is not renewed any more. One that became smaller is flagged no longer.
 */
export async function checkOversize(ctx: ServedContext, record: InstanceRecord): Promise<void> {
  const oversize: Oversize = isOversize(ctx, record) ? ctx.policy.disk.onOversize : null;
  if (oversize === record.oversize) return;
  await ctx.catalog.mark(record.id, { oversize });
  await tell(ctx, record, oversize === 'end_lease' ? '; its lease is not renewed' : '');
}

/** The same for an instance that is deleted already, where no look had seen before how large it was. */
export async function tellOversizeGone(ctx: ServedContext, record: InstanceRecord): Promise<void> {
  if (record.oversize === null && isOversize(ctx, record)) await tell(ctx, record, '');
}

function isOversize({ policy }: ServedContext, record: InstanceRecord): boolean {
  const { maxInstanceGb } = policy.disk;
  return isAtCap(record) || (maxInstanceGb !== null && sizeOf(record) > maxInstanceGb * 1e9);
}

function sizeOf({ sample }: InstanceRecord): number {
  return sample?.ownBytes ?? 0;
}

/** Writes to the audit log and to the program's, and tells those who listen to `observe`. `brings` ends the reason. */
async function tell(ctx: ServedContext, record: InstanceRecord, brings: string): Promise<void> {
  const [bytes, atCap] = [sizeOf(record), isAtCap(record)];
  const cap = record.sample?.capBytes ?? null;
  const limit =
    cap === null ? `max_instance_gb is ${ctx.policy.disk.maxInstanceGb}` : `its cap is ${formatBytes(cap)}`;
  const size = `${formatBytes(bytes)}, ${limit}${atCap ? ': the kernel refuses what it writes' : ''}`;
  const outcome = atCap ? 'at its cap' : isOversize(ctx, record) ? 'flagged' : 'no longer';
  if (outcome !== 'no longer') {
    ctx.observe({ kind: 'oversize', instance: record.id, isAtCap: atCap, reason: size });
    ctx.logger.warn({ instance: record.id, bytes }, `instance is too large: ${size}`);
  }
  await ctx.audit.append({
    action: 'oversize',
    instance: record.id,
    bytes,
    reason: `${size}${brings}`,
    outcome,
  });
}
