import { formatBytes } from '@spica/core';
import type { PruneResult } from '@spica/queues';
import type { Io } from '../io.ts';
import { writeJson, writeRows } from './write.ts';

/** What a prune did, or (dry run) would do. */
export interface PruneReport extends PruneResult {
  readonly pool: string;
  readonly dryRun: boolean;
}

/** On a terminal a table and a sum; when piped the ids with bytes and reasons. What was left alone goes to stderr. */
export function writePrune({ stdout, stderr }: Io, report: PruneReport, json: boolean): void {
  if (json) {
    writeJson(stdout, report);
    return;
  }
  const { pruned, kept, failed, strangers, reclaimedBytes, dryRun } = report;
  writeRows(
    stdout,
    [
      { title: dryRun ? 'would be pruned' : 'pruned', text: ({ id }) => id },
      {
        title: 'size',
        text: ({ bytes }) => (bytes === null ? '?' : formatBytes(bytes)),
        raw: ({ bytes }) => bytes,
        align: 'right',
      },
      { title: 'reason', text: ({ reason }) => reason },
    ],
    pruned,
  );
  for (const { id, reason } of failed) stderr.write(`not pruned: ${id}: ${reason}\n`);
  for (const { name, reason } of strangers) stderr.write(`left alone: ${JSON.stringify(name)}: ${reason}\n`);
  if (!stdout.isTTY) return;
  const verb = dryRun ? 'would be pruned' : 'pruned';
  stdout.write(
    `${pruned.length} ${verb}, ${kept} kept, ${formatBytes(reclaimedBytes)} reclaimed (${report.sentence})\n`,
  );
}
