import { join } from 'node:path';
import { type CatalogInstance, toInstanceView } from '@spica/catalog';
import { CheckError, type Departure, isoTime } from '@spica/core';
import {
  InstanceGoneError,
  instanceDeleted,
  instanceDeleting,
  instanceUnknown,
  leasedBy,
  leaseLost,
} from '../errors.ts';
import { type PagePicker, pagePicker, readListQuery } from '../page.ts';
import type { LeaseAsked, LeaseGrant, OnBehalf, ReleaseAsked } from '../transport.ts';
import type { InstanceView, Page } from '../view.ts';
import type { Caller } from '../wire/bodies.ts';
import type { ListQuery } from '../wire/queries.ts';
import type { CatalogPool } from './connection.ts';
import { departuresOfAll, departuresOfSome } from './departures.ts';

/** Throws UsageError PAYLOAD_INVALID for a query that is not as it must be. */
export async function listInstances({ catalog }: CatalogPool, query: ListQuery): Promise<Page<InstanceView>> {
  const asked = readListQuery(query);
  const picker = pagePicker(asked);
  const inAge = asked.sort === 'spawned';
  const read = inAge
    ? await readOldest(catalog, picker, asked.limit + 1)
    : await Array.fromAsync(catalog.list());
  const { instances, next } = picker.pick(read);
  const departures = inAge
    ? await departuresOfSome(catalog, instances)
    : await departuresOfAll(catalog, read);
  return { items: await viewsOf(catalog, instances, departures), next };
}

/** Where they are, is where whoever serves the pool has published that it is. */
async function viewsOf(
  catalog: CatalogPool['catalog'],
  instances: readonly CatalogInstance[],
  departures: ReadonlyMap<string, Departure>,
): Promise<InstanceView[]> {
  const root = (await catalog.publishedGate())?.root ?? null;
  const now = Date.now();
  return instances.map((each) => {
    const { id } = each.record;
    const path = root === null ? null : join(root, id);
    return { ...toInstanceView(each, now, departures.get(id) ?? null), path };
  });
}

/** What is asked for first is read first, and no more than it takes. */
async function readOldest(
  catalog: CatalogPool['catalog'],
  { after, isNext }: PagePicker,
  most: number,
): Promise<CatalogInstance[]> {
  const found: CatalogInstance[] = [];
  const part = { batch: most + MORE, ...(after === null ? {} : { from: after[0] ?? 0 }) };
  for await (const instance of catalog.list(part)) {
    if (isNext(instance)) found.push(instance);
    if (found.length === most) break;
  }
  return found;
}

/** Read beyond what is asked for: those of the same millisecond as the last of the part before come first. */
const MORE = 50;

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
  const found = await catalog.getMany(ids);
  return viewsOf(catalog, found, await departuresOfSome(catalog, found));
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
