import { basename } from 'node:path';
import { backOffUntil, type Failure, failAgain } from '@spica/core';
import {
  findEntry,
  measureTrashed,
  type Pool,
  rewriteNote,
  type TrashEntry,
  type TrashNote,
} from '@spica/pool';
import type { ServedContext } from '../context.ts';
import { targetOf } from '../sampler/target.ts';

/** What could not be written beside an entry: a disk may be full, or read-only. By the entry's name. */
const unwritten = new WeakMap<Pool, Map<string, Failure>>();

/** Why an entry of the trash could not be deleted; null where that was not tried. What is stuck is no room for anybody. */
export function failureOf({ pool }: { readonly pool: Pool }, { name, note }: TrashEntry): Failure | null {
  return unwritten.get(pool)?.get(name) ?? note?.failure ?? null;
}

/** Whether it is too early to try again what could not be deleted. */
export function isBackingOff(ctx: Pick<ServedContext, 'pool' | 'clockGuard'>, entry: TrashEntry): boolean {
  const failure = failureOf(ctx, entry);
  return failure !== null && backOffUntil(failure) > ctx.clockGuard.now();
}

/**
 * Keeps beside an entry why it could not be deleted, and how much of it is left, measured anew. Resolves with whether
 * this cause is news: nobody need be told of it twice.
 */
export async function noteStuck(
  ctx: Pick<ServedContext, 'pool' | 'clockGuard' | 'logger'>,
  entry: TrashEntry,
  cause: string,
): Promise<boolean> {
  const { failure, isNews } = failAgain(failureOf(ctx, entry), cause, ctx.clockGuard.now());
  const byName = unwritten.get(ctx.pool) ?? new Map<string, Failure>();
  unwritten.set(ctx.pool, byName);
  byName.set(entry.name, failure);
  try {
    const left = await findEntry(entry);
    if (left) await rewriteNote(left, await noteOf(ctx, left, failure));
    byName.delete(entry.name);
  } catch (error) {
    ctx.logger.debug(
      { err: error, instance: entry.id },
      'why it could not be deleted is kept in memory alone',
    );
  }
  return isNews;
}

async function noteOf(
  ctx: Pick<ServedContext, 'pool' | 'clockGuard'>,
  { id, note, path }: TrashEntry,
  failure: Failure,
): Promise<TrashNote> {
  const known = note ?? {
    reason: 'left in the trash by an earlier run',
    request: null,
    bytes: null,
    record: null,
  };
  const { record } = known;
  const plain = { id, sharesSince: null, isSnapshot: false };
  const target = { ...(record ? targetOf(record) : plain), name: basename(path) };
  const clock = { now: () => ctx.clockGuard.now() };
  const measured = (await measureTrashed(ctx.pool, [target], { clock })).get(id);
  return { ...known, bytes: measured?.ownBytes ?? known.bytes, failure };
}
