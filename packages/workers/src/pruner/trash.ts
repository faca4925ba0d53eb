import type { Amount } from '@spica/core';
import { listTrash, type TrashEntry } from '@spica/pool';
import type { PoolContext, ServedContext } from '../context.ts';
import { freeSpace, type Kept, messageOf } from './remove.ts';

/** What emptying the trash can do for a request that is short of space. */
export interface Relief {
  /** Oldest first: no more than it takes. */
  readonly entries: readonly TrashEntry[];
  /** What is then still missing. */
  readonly left: Amount;
}

/** Which of the trash has to go, and what is missing then. The trash goes before any instance does. */
export async function trashRelief(ctx: PoolContext, shortfall: Amount): Promise<Relief> {
  const entries: TrashEntry[] = [];
  let { bytes } = shortfall;
  if (bytes > 0) {
    for (const entry of await listTrash(ctx.pool)) {
      if (bytes <= 0) break;
      entries.push(entry);
      bytes -= entry.note?.bytes ?? 0;
    }
  }
  return { entries, left: { ...shortfall, bytes: Math.max(0, bytes) } };
}

/** Entries whose time has come: deleted at or before `before` (epoch milliseconds). */
export async function listExpired(ctx: PoolContext, before: number): Promise<TrashEntry[]> {
  return (await listTrash(ctx.pool)).filter(({ trashedAt }) => trashedAt <= before);
}

/** Deletes trash for good, one after another; what resists is told of and tried again by the next run. */
export async function freeAll(
  ctx: ServedContext,
  entries: readonly TrashEntry[],
  signal?: AbortSignal,
): Promise<{ freed: TrashEntry[]; failed: Kept[] }> {
  const freed: TrashEntry[] = [];
  const failed: Kept[] = [];
  for (const entry of entries) {
    if (signal?.aborted) break; // it stays in the trash, and goes on at the next start
    try {
      await freeSpace(ctx, entry);
      freed.push(entry);
    } catch (error) {
      failed.push({ id: entry.id, reason: messageOf(error) });
    }
  }
  if (freed.length > 0) await ctx.waker.wake();
  return { freed, failed };
}

/** Bytes that came back, as far as they had been measured. */
export function bytesOf(entries: readonly TrashEntry[]): number {
  return entries.reduce((sum, { note }) => sum + (note?.bytes ?? 0), 0);
}
