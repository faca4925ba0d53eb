import type { Drift } from '@spica/workers';
import type { Io } from '../io.ts';
import { toIso } from './age.ts';
import { writeRows } from './write.ts';

/** One place where disk and catalog differ, and what a reconcile makes of it. */
interface Difference {
  readonly kind: string;
  readonly of: string;
  readonly what: string;
}

/** Where disk and catalog differ, as `--json` prints it. */
export function toDriftJson(drift: Drift) {
  const { lost, rolledBack, onDisk, trash } = drift;
  return { lost, rolledBack, onDisk, trash, differences: list(drift) };
}

/** Where disk and catalog differ: a line each. */
export function writeDrift({ stdout, stderr }: Pick<Io, 'stdout' | 'stderr'>, drift: Drift): void {
  const differences = list(drift);
  writeRows(
    stdout,
    [
      { title: 'drift', text: ({ kind }) => kind },
      { title: 'of', text: ({ of }) => of },
      { title: 'what', text: ({ what }) => what },
    ],
    differences,
  );
  if (drift.lost) stderr.write('the catalog is empty: nothing is deleted before it has been reconciled\n');
  if (drift.rolledBack) stderr.write('Redis was rolled back: what it has lost comes back from the records\n');
  if (stdout.isTTY && differences.length === 0) stdout.write('disk and catalog agree\n');
}

function list(drift: Drift): Difference[] {
  return [
    ...drift.adoptable.map(({ record, fromManifest, flag }) => ({
      kind: flag === null ? 'adopt' : 'adopt, flagged',
      of: record.id,
      what: `on disk, not in the catalog; known from its ${fromManifest ? 'manifest' : 'record'}${flag === null ? '' : `; ${flag}`}`,
    })),
    ...drift.vanished.map(({ id, spawnedAt, sample }) => ({
      kind: 'bury',
      of: id,
      what: `in the catalog, not on disk; last seen ${toIso(sample?.at ?? spawnedAt) ?? 'nobody knows when'}`,
    })),
    ...drift.interrupted.map(({ id, onDisk }) => ({
      kind: 'deletion',
      of: id,
      what: onDisk ? 'begun and not ended; it is whole' : 'begun and not ended; it is out of sight',
    })),
    ...drift.protections.map(({ id }) => ({
      kind: 'protect',
      of: id,
      what: 'its record has a lease or a pin that Redis has lost',
    })),
    ...drift.orphans.map(({ request, state }) => ({
      kind: 'give back',
      of: request,
      what: `its instances are in flight, but it is ${state === 'unknown' ? 'gone' : state}`,
    })),
    ...drift.staleRecords.map((id) => ({ kind: 'remove record', of: id, what: 'a record of no instance' })),
    ...drift.brokenRecords.map(({ name, reason }) => ({ kind: 'left alone', of: name, what: reason })),
    ...drift.unknownDirectories.map(({ name, reason }) => ({ kind: 'left alone', of: name, what: reason })),
  ];
}
