import { setTimeout } from 'node:timers/promises';
import { cameWhole, canBeVerified, formatBytes, type Reclaimed, shareAfter } from '@spica/core';
import { awaitReturned, findDeletedOpen, type TrashEntry } from '@spica/pool';
import type { ServedContext } from '../context.ts';
import { beginVerifying, WAITS_MS } from './space-returning.ts';
import { bytesOf } from './trash.ts';

/** A btrfs deletes subvolumes in the background; it is waited for no longer than this. */
const RETURN_MS = 15_000;

/**
 * Runs a deletion, then compares the space that came back with what was expected of it, while the caller goes on. A
 * shortfall is in the audit log, with its cause where one can be named: deleted files that a process still has open,
 * extents shared with the template, or nothing but time. Where clones were made meanwhile nothing is known. Nothing is
 * counted on: the gate looks at the disk anew for each decision. Plans learn what further deletions are likely to bring.
 */
export async function verifyReclaim<T extends { readonly freed: readonly TrashEntry[] }>(
  ctx: ServedContext,
  work: () => Promise<T>,
): Promise<T> {
  const before = await readAvailableBytes(ctx);
  const result = await work();
  if (canBeVerified(bytesOf(result.freed))) {
    const end = beginVerifying(ctx.pool);
    // Where clones were made meanwhile there is nothing to compare, but a btrfs is waited for all the same.
    const returned =
      before === null ? awaitReturned(ctx.pool.paths.root, RETURN_MS) : compare(ctx, before, result.freed);
    returned
      .finally(end)
      .then(() => ctx.gate.line.wake())
      .catch((error: unknown) => {
        ctx.logger.warn({ err: error }, 'the space that came back could not be checked');
      });
  }
  return result;
}

async function compare(ctx: ServedContext, before: number, freed: readonly TrashEntry[]): Promise<void> {
  const expected = bytesOf(freed);
  const isReturned = await awaitReturned(ctx.pool.paths.root, RETURN_MS);
  if (ctx.image) await ctx.gate.line.wake(); // only now does a reading of the disk show it
  let came = 0;
  let waitedMs = 0;
  for (const ms of [0, ...WAITS_MS]) {
    await setTimeout(ms, undefined, { ref: false });
    waitedMs += ms;
    const now = await readAvailableBytes(ctx);
    if (now === null) return;
    came = Math.max(came, now - before); // what others write meanwhile is not what did not come back
    if (cameWhole({ expected, came })) break;
  }
  ctx.observe({ kind: 'reclaimed', expectedBytes: expected, cameBytes: Math.max(0, came) });
  // In an image it is the disk below that counts, and what is deleted there comes back late, but whole.
  if (!ctx.image) learnShare(ctx, { expected, came });
  if (!cameWhole({ expected, came })) {
    const reason = isReturned
      ? await nameCause(freed)
      : `btrfs is still deleting after ${RETURN_MS / 1000} s: it comes back when that has ended`;
    await report(ctx, { expected, came, reason });
  } else if (waitedMs > 0) ctx.logger.info({ waitedMs, expected, came }, 'the filesystem frees late');
}

/** What keeps the space of one deletion is likely to keep that of the next. */
function learnShare({ gate, publisher }: ServedContext, reclaimed: Reclaimed): void {
  const before = gate.share;
  gate.share = shareAfter(reclaimed);
  if (gate.share !== before) publisher.soon();
}

/** The space available; null while something is being cloned, which takes as the deletion gives. */
async function readAvailableBytes({ gauge, queues }: ServedContext): Promise<number | null> {
  if ((await queues.spawn.getActiveCount()) > 0) return null;
  return (await gauge.read({ maxAgeMs: 0 })).availableBytes;
}

async function nameCause(freed: readonly TrashEntry[]): Promise<string> {
  const open = await findDeletedOpen(freed.map(({ path }) => path));
  if (open.length > 0) {
    const who = open.map(({ pid, command }) => `process ${pid} (${command})`).join(', ');
    return `deleted files are still open in ${who}: their space comes back when they are closed`;
  }
  const shared = freed.some(({ note }) => note?.record?.cloneMethod && note.record.cloneMethod !== 'copy');
  if (shared) return 'extents that are shared with the template or with other clones do not come back';
  return 'a snapshot of the whole pool may keep them, others may have written meanwhile, or the filesystem frees later';
}

async function report(
  ctx: ServedContext,
  { expected, came, reason }: { expected: number; came: number; reason: string },
): Promise<void> {
  const said = `${formatBytes(expected)} were expected back, ${formatBytes(Math.max(0, came))} came: ${reason}`;
  ctx.logger.warn({ expected, came, reason }, 'less space came back than expected');
  const figures = { bytes: came, expected_bytes: expected };
  await ctx.audit.append({ action: 'verify_reclaim', reason: said, ...figures, outcome: 'short' });
}
