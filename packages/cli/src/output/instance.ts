import type { CatalogInstance } from '@spica/catalog';
import { countOf, formatBytes, formatDuration, isAtCap, leaseInForce, systemClock } from '@spica/core';
import type { Manifest } from '@spica/pool';
import type { Output } from '../io.ts';
import { formatAge, toIso } from './age.ts';
import { pairs } from './request.ts';
import { type Column, writeFields } from './write.ts';

const ALWAYS: readonly Column<CatalogInstance>[] = [
  { title: 'id', text: ({ record }) => record.id },
  { title: 'template', rank: 6, text: ({ record }) => record.template },
  {
    title: 'age',
    text: ({ record }) => (record.spawnedAt === null ? '?' : formatAge(systemClock.now() - record.spawnedAt)),
    raw: ({ record }) => toIso(record.spawnedAt),
    align: 'right',
  },
  {
    title: 'size',
    text: ({ record }) => (record.sample ? formatBytes(record.sample.allocatedBytes) : '-'),
    raw: ({ record }) => record.sample?.allocatedBytes ?? null,
    align: 'right',
  },
  { title: 'state', rank: 4, text: ({ state }) => state },
  {
    title: 'request',
    rank: 9,
    text: ({ record }) => record.request ?? '-',
    raw: ({ record }) => record.request,
  },
  {
    title: 'experiment',
    rank: 3,
    text: ({ record }) => record.experiment ?? '-',
    raw: ({ record }) => record.experiment,
  },
];

/** What most instances have none of. */
const SOMETIMES: readonly Column<CatalogInstance>[] = [
  {
    title: 'leased',
    text: (instance) => sayLease(instance) ?? '',
    raw: ({ record }) => toIso(leaseInForce(record, systemClock.now())?.expiresAt),
  },
  {
    title: 'by',
    rank: 5,
    text: ({ record }) => leaseInForce(record, systemClock.now())?.owner ?? '',
  },
  { title: 'pinned by', text: ({ record }) => record.pin?.by ?? '' },
  { title: 'score', text: ({ record }) => String(record.score ?? ''), align: 'right' },
  {
    title: 'ttl',
    rank: 8,
    text: ({ record }) => (record.ttlMs === null ? '' : formatDuration(record.ttlMs)),
    align: 'right',
  },
  { title: 'labels', rank: 7, text: ({ record }) => pairs(record.labels) ?? '' },
  {
    title: 'cap',
    rank: 5,
    text: ({ record }) => sayCap(record) ?? '',
    raw: ({ record }) => record.sample?.capBytes ?? null,
    align: 'right',
  },
];

/** The columns of `spica ls`: all of them when piped; for people without those that would be empty. */
export function instanceColumns(
  instances: readonly CatalogInstance[],
  { isTTY }: Pick<Output, 'isTTY'>,
): readonly Column<CatalogInstance>[] {
  const shown = isTTY
    ? SOMETIMES.filter(({ text }) => instances.some((each) => text(each) !== ''))
    : SOMETIMES;
  return [...ALWAYS, ...shown];
}

function sayLease({ record }: CatalogInstance): string | null {
  const now = systemClock.now();
  const lease = leaseInForce(record, now);
  return lease && `for ${formatAge(lease.expiresAt - now)}`;
}

/**
 * All that is known of an instance, for people.
 *
 * @param known.setUp What its set-up printed last, in a line; null where it had none.
 */
export function writeInstance(
  stdout: Output,
  instance: CatalogInstance,
  { manifest, setUp }: { readonly manifest: Manifest | null; readonly setUp: string | null },
): void {
  const { record, state, request, unsaved } = instance;
  const { sample } = record;
  writeFields(stdout, [
    ['instance', record.id],
    ['pool', record.pool],
    ['state', request === null ? state : `${state}, request ${request} has not ended yet`],
    [
      'template',
      `${record.template} ${record.templateVersion}${manifest ? ` (${manifest.template_ref})` : ''}`,
    ],
    ['cloned by', record.cloneMethod],
    ['spawned', toIso(record.spawnedAt) ?? 'unknown: spawned_at cannot be read'],
    ...sayUse(record),
    ['unsaved', unsaved],
    ['request', record.request && `${record.request} (number ${(record.index ?? 0) + 1})`],
    ['parent', record.parent],
    ['generation', String(record.generation)],
    ['experiment', record.experiment],
    ['labels', pairs(record.labels)],
    ['parameters', manifest && pairs(manifest.params)],
    ['seed', manifest && String(manifest.seed)],
    ['notes', manifest?.notes || null],
    ['set up', setUp],
    ...saySize(record),
    ['measured', toIso(sample?.at)],
    ['oversize', sayOversize(record)],
    ...sayCollected(instance),
  ]);
}

/** Where the kernel charges it, all sizes are the same. */
function saySize(record: CatalogInstance['record']): [string, string | null][] {
  const { sample } = record;
  if (!sample) return [['size', 'not measured yet']];
  const own = `${formatBytes(sample.ownBytes)} would come back if it were deleted`;
  if (sample.capBytes !== undefined)
    return [
      ['own', own],
      ['cap', sayCap(record) ?? 'none'],
    ];
  return [
    ['size', `${formatBytes(sample.allocatedBytes)} on disk, ${countOf(sample.inodes, 'inode')}`],
    ['apparent', formatBytes(sample.apparentBytes)],
    ['own', own],
  ];
}

/** What it may write at most, and whether it has; null for no cap. */
function sayCap(record: CatalogInstance['record']): string | null {
  const cap = record.sample?.capBytes ?? null;
  return cap === null ? null : `${formatBytes(cap)}${isAtCap(record) ? ', reached' : ''}`;
}

/** What is collected of it before it is deleted, and whether that was done. */
function sayCollected({ record, collectFailure }: CatalogInstance): [string, string | null][] {
  const { collect, collected } = record;
  if (collect.length === 0 && collected === null) return [];
  const left = collected && collected.skipped > 0 ? `, ${collected.skipped} left out` : '';
  return [
    ['collects', collect.join(', ') || 'nothing any more'],
    [
      'collected',
      collected
        ? `${countOf(collected.files, 'file')}, ${formatBytes(collected.bytes)}${left}, at ${toIso(collected.at)}, to ${collected.to}`
        : 'not yet',
    ],
    ['not collected', collectFailure && `${collectFailure.cause}; it is kept until that works`],
  ];
}

function sayOversize(record: CatalogInstance['record']): string | null {
  if (!record.oversize) return null;
  return isAtCap(record) ? 'yes: the kernel refuses what it writes' : 'yes: it is over max_instance_gb';
}

/** Who uses it, who keeps it, how long it lives, and how good it was. */
function sayUse({
  lease,
  lastLeasedAt,
  pin,
  ttlMs,
  score,
}: CatalogInstance['record']): [string, string | null][] {
  const isOver = lease !== null && lease.expiresAt <= systemClock.now();
  return [
    [
      'leased',
      lease && `by ${lease.owner} until ${toIso(lease.expiresAt)}${isOver ? ', which is over' : ''}`,
    ],
    ['last leased', toIso(lastLeasedAt)],
    ['pinned', pin && `by ${pin.by} since ${toIso(pin.at)}: ${pin.why}`],
    ['lives', ttlMs === null ? null : `at most ${formatDuration(ttlMs)}`],
    ['score', score === null ? null : String(score)],
  ];
}
