import { formatBytes } from '@spica/core';
import { auditLineSchema } from '@spica/pool';
import { oneLine } from './one-line.ts';

/** An entry as people read it; a line that is no entry stays as it is. */
export function formatAuditLine(line: string): string {
  const entry = read(line);
  if (!entry) return oneLine(line);
  const { timestamp, pool, action, outcome, instance, request, reason, bytes, dry_run: dryRun } = entry;
  const parts = [
    timestamp,
    pool,
    `${action}${dryRun ? ' (dry run)' : ''}: ${outcome}`,
    instance,
    request,
    bytes === null ? null : formatBytes(bytes),
    reason,
  ];
  return oneLine(parts.filter((part) => part !== null).join('  '));
}

function read(line: string) {
  try {
    return auditLineSchema.safeParse(JSON.parse(line)).data ?? null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
