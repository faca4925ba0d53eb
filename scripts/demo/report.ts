import { formatBytes } from '@spica/core';
import type { ServedContext } from '@spica/workers';
import type { Check, Deletion } from './checks.ts';

export function printDeletions(deletions: readonly Deletion[]): void {
  console.log(`\nPruned: ${deletions.length}`);
  for (const { instance, reason, bytes } of deletions) {
    console.log(`  ${instance}  ${(bytes === null ? '?' : formatBytes(bytes)).padStart(9)}  ${reason}`);
  }
}

/** The instances that are left, newest first, with what they were measured at. */
export async function printKept(ctx: ServedContext): Promise<void> {
  const rows: string[] = [];
  for await (const { record } of ctx.catalog.list()) {
    const { id, sample, spawnedAt, experiment, cloneMethod, templateVersion } = record;
    const size = sample
      ? `${formatBytes(sample.allocatedBytes).padStart(9)}  ${String(sample.inodes).padStart(6)} inodes`
      : 'not measured';
    const at = spawnedAt === null ? '?' : new Date(spawnedAt).toISOString();
    rows.push(
      `  ${id}  ${at}  ${size}  ${experiment ?? '-'}  template ${templateVersion}  by ${cloneMethod}`,
    );
  }
  console.log(`\nKept: ${rows.length}`);
  for (const row of rows.reverse()) console.log(row);
}

export function printChecks(checks: readonly Check[]): void {
  console.log('');
  for (const { claim, ok } of checks) console.log(`  ${ok ? '✓' : '✗'} ${claim}`);
}
