import { formatBytes, type InstanceRecord, type Oversize } from '@spica/core';
import type { ServedContext } from '../context.ts';

/**
 * Flags an instance that is larger than `max_instance_gb`, once for each `on_oversize`, in the audit log and the
 * program's; with `end_lease` its lease is not renewed any more. One that became smaller is flagged no longer.
 */
export async function checkOversize(ctx: ServedContext, record: InstanceRecord): Promise<void> {
  const { maxInstanceGb, onOversize } = ctx.policy.disk;
  const bytes = record.sample?.ownBytes ?? 0;
  const isOversize = maxInstanceGb !== null && bytes > maxInstanceGb * 1e9;
  const oversize: Oversize = isOversize ? onOversize : null;
  if (oversize === record.oversize) return;
  await ctx.catalog.mark(record.id, { oversize });
  const size = `${formatBytes(bytes)}, max_instance_gb is ${maxInstanceGb}`;
  await ctx.audit.append({
    action: 'oversize',
    instance: record.id,
    bytes,
    reason: oversize === 'end_lease' ? `${size}; its lease is not renewed` : size,
    outcome: isOversize ? 'flagged' : 'no longer',
  });
  if (isOversize) ctx.logger.warn({ instance: record.id, bytes }, 'instance is larger than max_instance_gb');
}
