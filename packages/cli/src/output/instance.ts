import type { CatalogInstance } from '@spica/catalog';
import { formatBytes, ownBytes, systemClock } from '@spica/core';
import type { Manifest } from '@spica/pool';
import type { Output } from '../io.ts';
import { formatAge, toIso } from './age.ts';
import { pairs } from './request.ts';
import { type Column, writeFields } from './write.ts';

/** An instance as `--json` prints it. */
export function toInstanceJson({ record, state, request }: CatalogInstance) {
  const { schema: _, spawnedAt, sample, ...rest } = record;
  return {
    ...rest,
    state,
    inFlightFor: request,
    spawnedAt: toIso(spawnedAt),
    sample: sample && { ...sample, at: toIso(sample.at) },
    ownBytes: ownBytes(record),
  };
}

export const INSTANCE_COLUMNS: readonly Column<CatalogInstance>[] = [
  { title: 'id', text: ({ record }) => record.id },
  { title: 'template', text: ({ record }) => record.template },
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
  { title: 'state', text: ({ state }) => state },
  { title: 'request', text: ({ record }) => record.request ?? '-', raw: ({ record }) => record.request },
  {
    title: 'experiment',
    text: ({ record }) => record.experiment ?? '-',
    raw: ({ record }) => record.experiment,
  },
];

/** All that is known of an instance, for people. */
export function writeInstance(stdout: Output, instance: CatalogInstance, manifest: Manifest | null): void {
  const { record, state, request } = instance;
  const { sample } = record;
  const own = ownBytes(record);
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
    ['request', record.request && `${record.request} (number ${(record.index ?? 0) + 1})`],
    ['parent', record.parent],
    ['generation', String(record.generation)],
    ['experiment', record.experiment],
    ['labels', pairs(record.labels)],
    ['parameters', manifest && pairs(manifest.params)],
    ['seed', manifest && String(manifest.seed)],
    ['notes', manifest?.notes || null],
    [
      'size',
      sample ? `${formatBytes(sample.allocatedBytes)} on disk, ${sample.inodes} inodes` : 'not measured yet',
    ],
    ['apparent', sample && formatBytes(sample.apparentBytes)],
    ['own', own === null ? null : `${formatBytes(own)} would come back if it were deleted`],
    ['measured', toIso(sample?.at)],
  ]);
}
