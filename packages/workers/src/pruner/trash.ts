import { type Amount, ownInodes } from '@spica/core';
import { listTrash, type TrashEntry } from '@spica/pool';
import type { PrunePayload } from '@spica/queues';
import pMap from 'p-map';
import type { PoolContext, ServedContext } from '../context.ts';
import { type FreeContext, freeSpace } from './free.ts';
import { failureText } from './message.ts';
import type { Kept } from './removal.ts';
import { noteFreed } from './space-returning.ts';
import { failureOf, isBackingOff } from './stuck.ts';

/** What emptying the trash can do for a request that is short of space. */
export interface Relief {
  /** Oldest first: no more than it takes. */
  readonly entries: readonly TrashEntry[];
  /** What is then still missing. */
  readonly left: Amount;
}

/**
 * Which of the trash has to go, and what is missing then. The trash goes before any instance does, but for what could not
 * be deleted: that is no room. It brings as little as deletions are expected to bring.
 */
export async function trashRelief(ctx: PoolContext, shortfall: Amount): Promise<Relief> {
  const entries: TrashEntry[] = [];
  let { bytes, inodes } = shortfall;
  const isShort = () => bytes > 0 || inodes > 0;
  if (isShort()) {
    const share = (await ctx.gateView.read())?.share ?? 1;
    for (const entry of await listTrash(ctx.pool)) {
      if (!isShort()) break;
      if (failureOf(ctx, entry) !== null) continue;
      entries.push(entry);
      bytes -= Math.floor(bytesOf([entry]) * share);
      inodes -= inodesOf([entry]);
    }
  }
  return { entries, left: { ...shortfall, bytes: Math.max(0, bytes), inodes: Math.max(0, inodes) } };
}

/** Bytes that come back with what lies in the trash, as far as it had been measured. */
export function bytesOf(entries: readonly TrashEntry[]): number {
  return entries.reduce((sum, { note }) => sum + (note?.bytes ?? 0), 0);
}

/** Inodes that come back with what lies in the trash, as far as it had been measured. */
export function inodesOf(entries: readonly TrashEntry[]): number {
  return entries.reduce((sum, { note }) => sum + ((note?.record && ownInodes(note.record)) ?? 0), 0);
}

/**
 * Entries whose time has come: deleted at or before `before` (epoch milliseconds), or begun to be deleted for good. What could not be deleted is tried again
 * ever more rarely, unless somebody asks for it.
 */
export async function listExpired(
  ctx: Pick<ServedContext, 'pool' | 'clockGuard'>,
  before: number,
  { isAsked = false } = {},
): Promise<TrashEntry[]> {
  const expired = (await listTrash(ctx.pool)).filter(
    ({ trashedAt, isDeletionBegun }) => trashedAt <= before || isDeletionBegun,
  );
  return isAsked ? expired : expired.filter((entry) => !isBackingOff(ctx, entry));
}

/** What ends the emptying of the trash early; the rest stays for the next time. */
export interface Terms {
  readonly signal?: AbortSignal;
  /** Whether to stop before this entry; `freed` counts those that have gone. */
  readonly stopsAt?: (entry: TrashEntry, freed: number) => Promise<boolean>;
}

/** So many trees are deleted at once: while one waits for the disk, the other goes on. */
const AT_ONCE = 2;

/** Deletes trash for good, the oldest first. What resists is logged, and tried again later. */
export async function freeAll(
  ctx: FreeContext,
  entries: readonly TrashEntry[],
  { signal, stopsAt }: Terms = {},
): Promise<{ freed: TrashEntry[]; failed: Kept[] }> {
  const freed: TrashEntry[] = [];
  const failed: Kept[] = [];
  let isOver = false;
  const free = async (entry: TrashEntry) => {
    isOver ||= signal?.aborted === true || (await stopsAt?.(entry, freed.length)) === true;
    if (isOver) return;
    try {
      if (await freeSpace(ctx, entry)) freed.push(entry);
    } catch (error) {
      failed.push({ id: entry.id, reason: failureText(error) });
    }
  };
  await pMap(entries, free, { concurrency: AT_ONCE });
  if (freed.length > 0) noteFreed(ctx.pool);
  return { freed, failed };
}

/** Has the pruner empty what of the trash has had its time, if there is any. */
export async function scheduleTrash(ctx: PoolContext): Promise<void> {
  const expired = await listExpired(ctx, ctx.clockGuard.now() - ctx.policy.retention.trashTtlMs);
  if (expired.length === 0) return;
  const data: PrunePayload = { pool: ctx.pool.name, cause: 'trash', all: false };
  // One at a time is enough: as long as one waits or runs, more of the same are dropped.
  await ctx.queues.prune.add('trash', data, { deduplication: { id: 'trash' } });
}
