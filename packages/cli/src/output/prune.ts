import { countOf, formatBytes, formatDuration, type PlanItem, type RetentionPlan } from '@spica/core';
import type { PruneResult } from '@spica/queues';
import type { Io } from '../io.ts';
import { type Column, writeJson, writeRows } from './write.ts';

type PlannedItem = Omit<PlanItem, 'candidate'>;

/** What a prune did, or (dry run) would do. */
export interface PruneReport extends PruneResult {
  readonly pool: string;
  readonly dryRun: boolean;
  /** Without Redis. */
  readonly offline: boolean;
  /** How long what was pruned can be brought back. */
  readonly trashTtlMs?: number;
  /** Of a dry run: every instance, kept or not, with the rule that decided. */
  readonly items?: readonly PlannedItem[];
  /** Of a dry run: the name of the sealed plan; null without Redis, which keeps them. */
  readonly digest?: string | null;
}

/** More kept instances than this are only counted on a terminal. */
const MOST_KEPT = 50;

/** A plan, as what it would do. */
export function reportPlan(
  pool: string,
  planned: Pick<PruneResult, 'unknownDirectories'> & {
    readonly plan: RetentionPlan & Pick<PruneResult, 'unseen'>;
    readonly digest: string | null;
    readonly offline: boolean;
  },
): PruneReport {
  const { plan, digest, unknownDirectories, offline } = planned;
  return {
    pool,
    dryRun: true,
    offline,
    digest,
    items: plan.items.map(({ candidate: _, ...item }) => item),
    pruned: plan.deletes.map(({ id, reason, bytes }) => ({ id, reason, bytes })),
    kept: plan.kept,
    skipped: [],
    failed: [],
    failsAgain: false,
    unknownDirectories,
    unseen: plan.unseen,
    reclaimedBytes: plan.frees.bytes,
    trashedBytes: 0,
    sentence: plan.sentence,
  };
}

/** On a terminal tables and sums; when piped a line for each instance. What was left alone goes to stderr. */
export function writePrune(io: Pick<Io, 'stdout' | 'stderr'>, report: PruneReport, json: boolean): void {
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
  if (!items && stdout.isTTY) stdout.write(`${sumUp(report)}\n`);
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
  const words = stdout.isTTY ? stdout : stderr; // when piped, standard output is for the plan's items alone
  words.write(`${report.sentence}\n`);
  if (!report.digest) return;
  words.write(
    `plan ${report.digest}: \`spica prune --plan ${report.digest}\` carries it out, within the hour\n`,
  );
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
  title: 'size',
  text: ({ bytes }) => (bytes === null ? '?' : formatBytes(bytes)),
  raw: ({ bytes }) => bytes,
  align: 'right',
};

const RULE = { title: 'rule', text: ({ rule }: PlannedItem) => rule };

const REASON = { title: 'reason', text: ({ reason }: Sized) => reason };
