import { formatBytes, type InstanceRecord, isAtCap, type Oversize } from '@spica/core';
import type { ServedContext } from '../context.ts';

/**
 * Flags an instance that is larger than `max_instance_gb`, or at its cap, once for each `on_oversize`, in the audit log and the
 * program's; with `end_lease` its lease is not renewed any more. One that became smaller is flagged no longer.
 */
export async function checkOversize(ctx: ServedContext, record: InstanceRecord): Promise<void> {
  const { maxInstanceGb, onOversize } = ctx.policy.disk;
  const bytes = record.sample?.ownBytes ?? 0;
  const atCap = isAtCap(record);
  const isOversize = atCap || (maxInstanceGb !== null && bytes > maxInstanceGb * 1e9);
  const oversize: Oversize = isOversize ? onOversize : null;
  if (oversize === record.oversize) return;
  await ctx.catalog.mark(record.id, { oversize });
  const cap = record.sample?.capBytes ?? null;
  const limit = cap === null ? `max_instance_gb is ${maxInstanceGb}` : `its cap is ${formatBytes(cap)}`;
  const size = `${formatBytes(bytes)}, ${limit}${atCap ? ': the kernel refuses what it writes' : ''}`;
  await ctx.audit.append({
    action: 'oversize',
    instance: record.id,
    bytes,
    reason: oversize === 'end_lease' ? `${size}; its lease is not renewed` : size,
    outcome: atCap ? 'at its cap' : isOversize ? 'flagged' : 'no longer',
  });
  if (!isOversize) return;
  ctx.observe({ kind: 'oversize', instance: record.id, isAtCap: atCap, reason: size });
  ctx.logger.warn({ instance: record.id, bytes }, `instance is too large: ${size}`);
}
