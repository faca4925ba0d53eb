import { join } from 'node:path';
import { type CatalogInstance, toInstanceView } from '@spica/catalog';
import { indexOf } from '@spica/catalog/list';
import { CheckError, type Departure, isoTime, type RetentionPolicy } from '@spica/core';
import {
  InstanceGoneError,
  instanceDeleted,
  instanceDeleting,
  instanceUnknown,
  leasedBy,
  leaseLost,
} from '../errors.ts';
import { readListQuery } from '../list/page.ts';
import type { LeaseAsked, LeaseGrant, OnBehalf, ReleaseAsked } from '../transport.ts';
import type { InstancePage, InstanceView } from '../view.ts';
import type { Caller } from '../wire/bodies.ts';
import type { InstanceFilter, ListQuery } from '../wire/queries.ts';
import type { CatalogPool } from './connection.ts';

/** An instance, and when it would go by itself; null where that is not known, or it is on its way out. */
export interface Judged {
  readonly instance: CatalogInstance;
  readonly goes: Departure | null;
}

export interface JudgedPage {
  readonly found: readonly Judged[];
  /** How many match, in all parts. */
  readonly total: number;
  readonly next: string | null;
}

/**
 * A part of a list: which instances it has, this process's index says; they themselves are read. Throws UsageError
 * PAYLOAD_INVALID for a query that is not as it must be.
 *
 * @param policy By which they are judged where nobody has published one.
 */
export async function findInstances(
  { catalog }: Pick<CatalogPool, 'catalog'>,
  query: ListQuery,
  policy: RetentionPolicy | null = null,
): Promise<JudgedPage> {
  const asked = readListQuery(query);
  const index = indexOf(catalog);
  await index.refresh(catalog);
  if (asked.isByRule) await index.judge(catalog, null, policy);
  const { rows, total, next } = asked.pick(index.inOrder(asked.order), Date.now());
  const ids = rows.map(({ id }) => id);
  return { found: await judged(catalog, ids, policy), total, next };
}

/** Those of them that there are, in their order. */
async function judged(
  catalog: CatalogPool['catalog'],
  ids: readonly string[],
  policy: RetentionPolicy | null = null,
): Promise<Judged[]> {
  const found = await catalog.getMany(ids);
  if (found.length === 0) return [];
  const index = indexOf(catalog);
  index.see(found);
  const there = found.map(({ record }) => record.id);
  await index.judge(catalog, there, policy);
  return found.map((instance) => ({ instance, goes: index.departureOf(instance.record.id) }));
}

/** Throws UsageError PAYLOAD_INVALID for a query that is not as it must be. */
export async function listInstances(pool: CatalogPool, query: ListQuery): Promise<InstancePage> {
  const { found, total, next } = await findInstances(pool, query);
  return { items: await viewsOf(pool.catalog, found), next, total };
}

/** Instances that an action is done with. */
export interface Matched {
  readonly ids: readonly string[];
  /** What they take by themselves. */
  readonly ownBytes: number;
}

/** All that match, oldest first, by this process's index alone. Throws UsageError PAYLOAD_INVALID. */
export async function matchInstances(
  { catalog }: Pick<CatalogPool, 'catalog'>,
  filter: InstanceFilter,
): Promise<Matched> {
  const { isByRule, order, match } = readListQuery(filter);
  const index = indexOf(catalog);
  await index.refresh(catalog);
  if (isByRule) await index.judge(catalog, null, null);
  const rows = match(index.inOrder(order), Date.now());
  return {
    ids: rows.map(({ id }) => id),
    ownBytes: rows.reduce((sum, row) => sum + (row.ownBytes ?? 0), 0),
  };
}

/** Of these instances those that there are, by this process's index alone. */
export async function knownInstances(
  { catalog }: Pick<CatalogPool, 'catalog'>,
  ids: readonly string[],
): Promise<Matched> {
  const index = indexOf(catalog);
  await index.refresh(catalog);
  const rows = ids.flatMap((id) => index.row(id) ?? []);
  return {
    ids: rows.map(({ id }) => id),
    ownBytes: rows.reduce((sum, row) => sum + (row.ownBytes ?? 0), 0),
  };
}

/** Where they are, is where whoever serves the pool has published that it is. */
async function viewsOf(catalog: CatalogPool['catalog'], found: readonly Judged[]): Promise<InstanceView[]> {
  const root = (await catalog.publishedGate())?.root ?? null;
  const now = Date.now();
  return found.map(({ instance, goes }) => {
    const path = root === null ? null : join(root, instance.record.id);
    return { ...toInstanceView(instance, now, goes), path };
  });
}

/** Throws InstanceGoneError. */
export async function readInstance(pool: CatalogPool, id: string): Promise<InstanceView> {
  const [view] = await readInstances(pool, [id]);
  if (!view) throw await instanceGone(pool, id);
  return view;
}

/** Those of them that there are, in their order. */
export async function readInstances(
  { catalog }: CatalogPool,
  ids: readonly string[],
): Promise<InstanceView[]> {
  await indexOf(catalog).refresh(catalog);
  return viewsOf(catalog, await judged(catalog, ids));
}

/** What is to be said of an instance that is not there: why it went, where that is known. */
export async function instanceGone({ catalog, name }: CatalogPool, id: string): Promise<InstanceGoneError> {
  const [audit, tombstone] = await Promise.all([catalog.gone(id), catalog.tombstone(id)]);
  if (audit) return instanceDeleted(id, audit);
  if (!tombstone) return instanceUnknown(id, name);
  const { lastSeenAt } = tombstone;
  const seen = lastSeenAt === null ? '' : `, last seen at ${isoTime(lastSeenAt)}`;
  return new InstanceGoneError(
    'INSTANCE_GONE',
    `instance ${id} vanished from the disk${seen}: Spica did not delete it`,
  );
}

/**
 * Grants a lease on an instance, or renews it for whoever has its token. Throws InstanceGoneError, CheckError
 * INSTANCE_LEASED, LeaseLostError LEASE_REFUSED.
 */
export async function leaseInstance(
  pool: CatalogPool,
  id: string,
  { owner, token, ms, force = false, by = owner }: LeaseAsked,
): Promise<LeaseGrant> {
  const { catalog } = pool;
  const now = Date.now();
  const expiresAt = now + ms;
  const answer = await catalog.lease(id, { owner, token, expiresAt, now, force });
  if (force)
    await note(pool, 'force_lease', {
      id,
      now,
      reason: `taken by force by ${by ?? 'an unknown caller'}${by === owner ? '' : ` for ${owner}`}`,
      outcome: answer.outcome,
      by,
    });
  switch (answer.outcome) {
    case 'absent':
      throw await instanceGone(pool, id);
    case 'deleting':
      throw instanceDeleting(id);
    case 'leased':
      throw leasedBy(id, answer);
    case 'oversize':
      throw leaseLost(
        'LEASE_REFUSED',
        id,
        'it is refused, since the instance is larger than max_instance_gb',
      );
    default:
      return { outcome: answer.outcome, owner, expiresAt };
  }
}

/** Ends a lease. Throws InstanceGoneError, CheckError INSTANCE_LEASED for who has not its token. */
export async function releaseInstance(
  pool: CatalogPool,
  id: string,
  { token, discard, force = false, by }: ReleaseAsked,
): Promise<'released' | 'discarded' | 'none'> {
  const now = Date.now();
  const answer = await pool.catalog.releaseLease(id, { token, now, force, discard });
  if (force) {
    const reason = `released by force by ${by ?? 'an unknown caller'}`;
    await note(pool, 'force_release', { id, now, reason, outcome: answer.outcome, by });
  }
  if (answer.outcome === 'absent') throw await instanceGone(pool, id);
  if (answer.outcome === 'leased') throw leasedBy(id, answer);
  return answer.outcome;
}

/** Keeps an instance until it is unpinned (`pin` null). Resolves with when (epoch milliseconds). Throws InstanceGoneError. */
export async function pinInstance(
  pool: CatalogPool,
  id: string,
  { pin, by }: OnBehalf & { readonly pin: { readonly by: string; readonly why: string } | null },
): Promise<number> {
  const now = Date.now();
  await mark(pool, id, { pin: pin && { ...pin, at: now } });
  const reason = pin ? `pinned by ${pin.by}: ${pin.why}` : `unpinned by ${by ?? 'an unknown caller'}`;
  const outcome = pin ? 'pinned' : 'unpinned';
  const who = pin ? pin.by : by;
  await note(pool, pin ? 'pin_instance' : 'unpin_instance', { id, now, reason, outcome, by: who });
  return now;
}

/** Says how good an instance is; null takes that back. Throws InstanceGoneError. */
export async function scoreInstance(pool: CatalogPool, id: string, score: number | null): Promise<void> {
  await mark(pool, id, { score });
}

async function mark(
  pool: CatalogPool,
  id: string,
  what: Parameters<CatalogPool['catalog']['mark']>[1],
): Promise<void> {
  const outcome = await pool.catalog.mark(id, what);
  if (outcome === 'absent') throw await instanceGone(pool, id);
  if (outcome === 'deleting') throw instanceDeleting(id);
}

/** For the audit log, which the pool's worker writes. */
function note(
  { catalog }: CatalogPool,
  action: string,
  of: { id: string; now: number; reason: string; outcome: string; by: Caller },
): Promise<void> {
  const { id, now, reason, outcome, by } = of;
  return catalog.leaveNote({ action, instance: id, by, reason, at: isoTime(now), outcome });
}

/** An error of the pool's worker that says that an instance is not there, with all that is known of why. */
export async function withWhyGone(pool: CatalogPool, id: string, error: unknown): Promise<unknown> {
  const isGone = error instanceof CheckError && error.code === 'INSTANCE_UNKNOWN';
  return isGone ? instanceGone(pool, id) : error;
}
