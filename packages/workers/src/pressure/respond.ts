import { isWorse, type PressureFigures, type PressureLevel } from '@spica/core';
import type { PrunePayload } from '@spica/queues';
import type { ServedContext } from '../context.ts';
import { isSpaceReturning } from '../pruner/space-returning.ts';
import { freeAll, listExpired, scheduleTrash } from '../pruner/trash.ts';
import type { Ballast } from './ballast.ts';
import { type DiskFigures, missingIn } from './figures.ts';
import type { SpawnPause } from './spawn-pause.ts';

/** A large trash takes its time; the disk is looked at again after this. */
const TRASH_MS = 60_000;

/** What the watch over a disk may act with, besides the pool's context. */
export interface Responder {
  readonly ballast: Ballast;
  readonly cancelSpawns: (reason: string) => void;
}

export interface PressureSeen {
  readonly level: PressureLevel;
  /** It was not this level at the last look. */
  readonly entered: boolean;
  readonly bytes: PressureFigures;
  /** The pool's own disk is at the critical level, and not only one below it. */
  readonly isOwnCritical: boolean;
  /** Null on a filesystem that has no limit of them. */
  readonly inodes: PressureFigures | null;
}

/** Runs one piece of the response; its failure, or no answer in time, is logged and does not stop the others. */
export type Attempt = (what: string, work: () => Promise<unknown>, deadlineMs?: number) => Promise<void>;

/**
 * Does what a level asks for. Low: prune what the policy already allows, and trash whose time has come. Short: requests
 * are held by the sum itself; with `reclaim: aggressive` instances go that the policy would keep. Critical: ballast and
 * trash go at once, without Redis; no clone is begun or goes on. Unwritable: no clone either, and nothing is deleted,
 * which would be a write. What was stopped goes on when the level is left.
 */
export async function relieve(
  ctx: ServedContext,
  responder: Responder & { readonly pause: SpawnPause },
  seen: PressureSeen,
  attempt: Attempt,
): Promise<void> {
  const { level, entered, bytes, inodes } = seen;
  const { pause, ballast } = responder;
  if (level === 'critical') await relieveCritical(ctx, responder, seen, attempt);
  else if (pause.isPaused) await attempt('resuming spawns', () => pause.want(false));
  if (level !== 'ok' && entered) {
    await attempt('asking for a prune', () => askForPrune(ctx));
    await attempt('asking for the trash to be emptied', () => scheduleTrash(ctx));
  }
  if (isWorse(level, 'low') && ctx.policy.disk.reclaim === 'aggressive') {
    await attempt('asking for room at any price', () => askForRoom(ctx, { bytes, inodes }));
  }
  if (level === 'ok' && bytes.free - ballast.bytes > bytes.target) {
    await attempt('taking the ballast again', () => ballast.restore());
  }
}

/** Where only a disk below is critical, what is given up in the pool may not come back there, and stays. */
async function relieveCritical(
  ctx: ServedContext,
  responder: Responder & { readonly pause: SpawnPause },
  { entered, isOwnCritical }: PressureSeen,
  attempt: Attempt,
): Promise<void> {
  if (isOwnCritical) await attempt('giving up the ballast', () => responder.ballast.giveUp());
  const emptyTrash = async () => freeAll(ctx, await listExpired(ctx, Number.POSITIVE_INFINITY));
  await Promise.all([
    isOwnCritical ? attempt('emptying the trash', () => ctx.withDeletionClaim(emptyTrash), TRASH_MS) : null,
    stopSpawns(responder, { entered, reason: 'the disk is critically full' }, attempt),
  ]);
}

/** No clone is begun, and those under way are given up, for this reason. */
export async function stopSpawns(
  { cancelSpawns, pause }: Responder & { readonly pause: SpawnPause },
  { entered, reason }: { readonly entered: boolean; readonly reason: string },
  attempt: Attempt,
): Promise<void> {
  if (entered) cancelSpawns(reason);
  await attempt('pausing spawns', () => pause.want(true));
  if (entered) cancelSpawns(reason); // those that were begun before Redis knew
}

/** As long as one waits or runs, more of the same are dropped. */
async function askForPrune({ pool, queues }: ServedContext): Promise<void> {
  const data: PrunePayload = { pool: pool.name, cause: 'schedule' };
  await queues.prune.add('prune', data, { deduplication: { id: 'pressure' } });
}

/** Not while what was deleted last may still come back: for one shortage nothing goes twice. */
async function askForRoom({ pool, queues }: ServedContext, figures: DiskFigures): Promise<void> {
  const shortfall = { ...missingIn(figures), slots: 0 };
  if (isSpaceReturning(pool) || shortfall.bytes + shortfall.inodes === 0) return;
  const data: PrunePayload = { pool: pool.name, cause: 'pressure', shortfall };
  await queues.prune.add('prune', data, { deduplication: { id: 'room' } });
}
