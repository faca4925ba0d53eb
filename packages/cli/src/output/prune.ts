import { countOf, formatBytes, formatDuration } from '@spica/core';
import type { PlannedItem, PruneReport } from '@spica/queues';
import type { Io } from '../io.ts';
import { type Column, writeJson, writeRows } from './write.ts';

/** More kept instances than this are only counted on a terminal. */
const MOST_KEPT = 50;

/** On a terminal tables and sums; when piped a line for each instance. What was left alone goes to stderr. */
export function writePrune(
  io: Pick<Io, 'stdout' | 'stderr'>,
  report: PruneReport,
  { json, named }: { readonly json: boolean; readonly named: number },
): void {
  const { stdout, stderr } = io;
  if (json) {
    writeJson(stdout, report);
    return;
  }
  const { items } = report;
  if (items) writePlan(io, report, items);
  else writeRows(stdout, [idColumn('pruned'), SIZE, REASON], report.pruned);
  for (const { id, reason } of report.skipped) stderr.write(`skipped: ${id}: ${reason}\n`);
  for (const { id, reason } of report.failed) stderr.write(`not pruned: ${id}: ${reason}\n`);
  for (const { name, reason } of report.unknownDirectories) {
    stderr.write(`left alone: ${JSON.stringify(name)}: ${reason}\n`);
  }
  if (report.unseen) stderr.write(`not seen: ${report.unseen.sentence}; a lease keeps what they use\n`);
  if (!items && (stdout.isTTY || report.pruned.length < named)) wordsTo(io).write(`${sumUp(report)}\n`);
}

function writePlan(
  { stdout, stderr }: Pick<Io, 'stdout' | 'stderr'>,
  report: PruneReport,
  items: readonly PlannedItem[],
): void {
  const [deleted, kept] = [ofAction(items, 'delete'), ofAction(items, 'keep')];
  if (stdout.isTTY) {
    writeRows(stdout, [idColumn('would be pruned'), SIZE, RULE, REASON], deleted);
    if (deleted.length > 0 && kept.length > 0) stdout.write('\n');
    writeRows(stdout, [idColumn('kept'), SIZE, RULE, REASON], kept.slice(0, MOST_KEPT));
    const more = kept.length - MOST_KEPT;
    if (more > 0) stdout.write(`and ${countOf(more, 'more is', 'more are')} kept: --json lists them all\n`);
  } else {
    const action: Column<PlannedItem> = { title: 'action', text: (item) => item.action };
    writeRows(stdout, [action, idColumn('id'), SIZE, RULE, REASON], [...deleted, ...kept]);
  }
  const words = wordsTo({ stdout, stderr });
  words.write(`${report.sentence}\n`);
  if (!report.digest) return;
  words.write(
    `plan ${report.digest}: \`spica prune --plan ${report.digest}\` carries it out, within the hour\n`,
  );
}

/** When piped, standard output is for instances alone. */
function wordsTo({ stdout, stderr }: Pick<Io, 'stdout' | 'stderr'>) {
  return stdout.isTTY ? stdout : stderr;
}

function ofAction(items: readonly PlannedItem[], action: PlannedItem['action']): PlannedItem[] {
  return items.filter((item) => item.action === action);
}

function sumUp(report: PruneReport): string {
  const { pruned, kept, reclaimedBytes, trashedBytes, trashTtlMs, sentence } = report;
  const inTrash =
    trashedBytes > 0 || pruned.length > 0
      ? `, ${formatBytes(trashedBytes)} in the trash for ${formatDuration(trashTtlMs ?? 0)} (\`spica restore ID\`)`
      : '';
  return `${pruned.length} pruned, ${kept} kept, ${formatBytes(reclaimedBytes)} reclaimed${trashTtlMs ? inTrash : ''} (${sentence})`;
}

interface Sized {
  readonly id: string;
  readonly bytes: number | null;
  readonly reason: string;
}

const idColumn = (title: string) => ({ title, text: ({ id }: Sized) => id });

const SIZE: Column<Sized> = {
  title: 'frees',
  text: ({ bytes }) => (bytes === null ? '?' : formatBytes(bytes)),
  raw: ({ bytes }) => bytes,
  align: 'right',
};

const RULE = { title: 'rule', text: ({ rule }: PlannedItem) => rule };

const REASON = { title: 'reason', text: ({ reason }: Sized) => reason };
