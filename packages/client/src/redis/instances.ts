import { type CatalogInstance, toInstanceView } from '@spica/catalog';
import { CheckError, isoTime, ownBytes, UsageError } from '@spica/core';
import { parsePayload } from '@spica/queues';
import * as z from 'zod';
import { InstanceGoneError, instanceDeleting, instanceUnknown, leasedBy, leaseLost } from '../errors.ts';
import type { LeaseAsked, LeaseGrant, OnBehalf, ReleaseAsked } from '../transport.ts';
import type { InstanceView, Page } from '../view.ts';
import { type ListQuery, listQuerySchema } from '../wire/queries.ts';
import type { CatalogPool } from './connection.ts';
import { departuresOfAll, departuresOfSome } from './departures.ts';

/** Throws UsageError PAYLOAD_INVALID for a query that is not as it must be. */
export async function listInstances({ catalog }: CatalogPool, query: ListQuery): Promise<Page<InstanceView>> {
  const { sort, limit, cursor, ...filter } = parsePayload(listQuerySchema, query, 'list');
  const after = readCursor(cursor);
  const place = PLACES[sort];
  const isNext = (instance: CatalogInstance) =>
    isAsked(instance, filter) &&
    (after === null || compare([place(instance), instance.record.id], after) > 0);
  const inAge = sort === 'spawned';
  const read = inAge ? await readOldest(catalog, after, isNext, limit + 1) : await readAll(catalog);
  const now = Date.now();
  const listed = read
    .filter(isNext)
    .map((instance) => ({ instance, at: [place(instance), instance.record.id] as const }))
    .sort((a, b) => compare(a.at, b.at));
  const items = listed.slice(0, limit);
  const departures = inAge
    ? await departuresOfSome(
        catalog,
        items.map(({ instance }) => instance),
      )
    : await departuresOfAll(catalog, read);
  const last = items.at(-1);
  const next = last && listed.length > limit ? writeCursor(last.at) : null;
  const viewOf = ({ instance }: (typeof items)[number]) =>
    toInstanceView(instance, now, departures.get(instance.record.id) ?? null);
  return { items: items.map(viewOf), next };
}

/** What is asked for first is read first, and no more than it takes. */
async function readOldest(
  catalog: CatalogPool['catalog'],
  after: Place | null,
  isNext: (instance: CatalogInstance) => boolean,
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

function readAll(catalog: CatalogPool['catalog']): Promise<CatalogInstance[]> {
  return Array.fromAsync(catalog.list());
}

/** Read beyond what is asked for: those of the same millisecond as the last of the part before come first. */
const MORE = 50;

type Filter = Pick<z.output<typeof listQuerySchema>, 'experiment' | 'template' | 'state' | 'labels'>;

function isAsked({ record, state }: CatalogInstance, filter: Filter): boolean {
  return (
    (filter.experiment === undefined || record.experiment === filter.experiment) &&
    (filter.template === undefined || record.template === filter.template) &&
    (filter.state === undefined || state === filter.state) &&
    Object.entries(filter.labels).every(([name, value]) => record.labels[name] === value)
  );
}

/** By what a list is ordered, the smallest first; null comes last. */
const PLACES: Readonly<Record<NonNullable<ListQuery['sort']>, (instance: CatalogInstance) => number | null>> =
  {
    spawned: ({ record }) => record.spawnedAt ?? 0,
    score: ({ record }) => (record.score === null ? null : -record.score),
    size: ({ record }) => -(ownBytes(record) ?? 0),
  };

/** A place in a list: what it is ordered by, and the id. */
type Place = readonly [number | null, string];

function compare([a, idA]: Place, [b, idB]: Place): number {
  if (a !== b) return a === null ? 1 : b === null ? -1 : a - b;
  return idA < idB ? -1 : Number(idA > idB);
}

const placeSchema = z.tuple([z.number().nullable(), z.string()]);

function writeCursor(place: Place): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

function readCursor(cursor: string | undefined): Place | null {
  if (cursor === undefined) return null;
  try {
    return placeSchema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
  } catch {
    const message = 'list: cursor: expected `next` of the part of the list before';
    throw new UsageError('PAYLOAD_INVALID', message, { field: 'cursor' });
  }
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
  const found = await catalog.getMany(ids);
  const departures = await departuresOfSome(catalog, found);
  const now = Date.now();
  return found.map((each) => toInstanceView(each, now, departures.get(each.record.id) ?? null));
}

/** What is to be said of an instance that is not there: why it went, where that is known. */
export async function instanceGone({ catalog, name }: CatalogPool, id: string): Promise<InstanceGoneError> {
  const [audit, tombstone] = await Promise.all([catalog.gone(id), catalog.tombstone(id)]);
  if (audit) {
    const message = `instance ${id} is gone: deleted at ${audit.timestamp} (${audit.reason ?? 'no reason was noted'})`;
    return new InstanceGoneError('INSTANCE_GONE', message, { audit });
  }
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
    await note(pool, 'force_release', { id, now, reason, outcome: answer.outcome });
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
  await note(pool, pin ? 'pin_instance' : 'unpin_instance', { id, now, reason, outcome });
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
  of: { id: string; now: number; reason: string; outcome: string },
): Promise<void> {
  const { id, now, reason, outcome } = of;
  return catalog.leaveNote({ action, instance: id, reason, at: isoTime(now), outcome });
}

/** An error of the pool's worker that says that an instance is not there, with all that is known of why. */
export async function withWhyGone(pool: CatalogPool, id: string, error: unknown): Promise<unknown> {
  const isGone = error instanceof CheckError && error.code === 'INSTANCE_UNKNOWN';
  return isGone ? instanceGone(pool, id) : error;
}
