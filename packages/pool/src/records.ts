import { rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CheckError,
  type InstanceRecord,
  instanceRecordSchema,
  isInstanceId,
  nullIfMissing,
} from '@spica/core';
import { jsonFile } from './json-file.ts';
import type { Pool } from './layout.ts';
import { listDirectory } from './list-directory.ts';
import { draftedBy } from './write-whole.ts';

const SUFFIX = '.json';
const recordFile = jsonFile({ schema: instanceRecordSchema, code: 'RECORD_INVALID', is: 'a record' });

/** Keeps what the catalog knows of an instance on the disk, to rebuild the catalog from. */
export async function writeRecord(pool: Pool, record: InstanceRecord): Promise<void> {
  await recordFile.save(recordPath(pool, record.id), record);
}

export async function deleteRecord(pool: Pool, id: string): Promise<void> {
  await nullIfMissing(unlink(recordPath(pool, id)));
}

/** An instance's record; null where there is none. Throws CheckError RECORD_INVALID. */
export async function readRecord(pool: Pool, id: string): Promise<InstanceRecord | null> {
  return recordFile.load(recordPath(pool, id));
}

/** A record that cannot be read: the instance, the file's name, and why. */
export interface BrokenRecord {
  readonly id: string;
  readonly name: string;
  readonly reason: string;
}

export interface Records {
  readonly records: readonly InstanceRecord[];
  readonly broken: readonly BrokenRecord[];
}

/** All records of a pool, but for those of `known`. One that cannot be read is reported, and left alone. */
export async function listRecords(pool: Pool, known: ReadonlySet<string> = new Set()): Promise<Records> {
  const records: InstanceRecord[] = [];
  const broken: BrokenRecord[] = [];
  const ids = await recordedIds(pool);
  for await (const found of readRecords(
    pool,
    ids.filter((id) => !known.has(id)),
  )) {
    if ('record' in found) records.push(found.record);
    else broken.push(found);
  }
  return { records, broken };
}

/** Ids of the instances that have a record, whole or not. */
export async function recordedIds({ paths }: Pool): Promise<string[]> {
  const ids: string[] = [];
  for await (const { name } of listDirectory(paths.records)) {
    if (!name.endsWith(SUFFIX)) continue; // a draft that a crash left
    const id = name.slice(0, -SUFFIX.length);
    if (isInstanceId(id)) ids.push(id);
  }
  return ids;
}

/** The records of these instances, one by one: of 100,000 no more than one is in memory. What has none is passed over. */
export async function* readRecords(
  pool: Pool,
  ids: Iterable<string>,
): AsyncGenerator<{ readonly record: InstanceRecord } | BrokenRecord, void> {
  for (const id of ids) {
    const name = `${id}${SUFFIX}`;
    try {
      const record = await readRecord(pool, id);
      if (record?.id === id) yield { record };
      else if (record) yield { id, name, reason: `it is the record of ${record.id}` };
    } catch (error) {
      if (!(error instanceof CheckError)) throw error;
      yield { id, name, reason: error.message };
    }
  }
}

/** Removes the drafts of records that a killed process left. To be called while nobody writes records. */
export async function sweepRecordDrafts(pool: Pool): Promise<void> {
  for await (const { name } of listDirectory(pool.paths.records)) {
    const of = draftedBy(name) ?? '';
    if (!of.endsWith(SUFFIX) || !isInstanceId(of.slice(0, -SUFFIX.length))) continue;
    await rm(join(pool.paths.records, name), { force: true });
  }
}

function recordPath(pool: Pool, id: string): string {
  pool.pathOf(id); // refuses what is no id
  return join(pool.paths.records, `${id}${SUFFIX}`);
}
