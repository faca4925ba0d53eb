import { readdir, rm, unlink } from 'node:fs/promises';
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

export interface Records {
  readonly records: readonly InstanceRecord[];
  readonly broken: readonly { readonly id: string; readonly name: string; readonly reason: string }[];
}

/** All records of a pool. One that cannot be read is reported, and left alone. */
export async function listRecords(pool: Pool): Promise<Records> {
  const records: InstanceRecord[] = [];
  const broken: { id: string; name: string; reason: string }[] = [];
  for (const name of await readdir(pool.paths.records)) {
    const id = name.slice(0, -SUFFIX.length);
    if (!name.endsWith(SUFFIX) || !isInstanceId(id)) continue; // a draft that a crash left
    try {
      const record = await readRecord(pool, id);
      if (record?.id === id) records.push(record);
      else if (record) broken.push({ id, name, reason: `it is the record of ${record.id}` });
    } catch (error) {
      if (!(error instanceof CheckError)) throw error;
      broken.push({ id, name, reason: error.message });
    }
  }
  return { records, broken };
}

/** Removes the drafts of records that a killed process left. To be called while nobody writes records. */
export async function sweepRecordDrafts(pool: Pool): Promise<void> {
  for (const name of await readdir(pool.paths.records)) {
    const of = draftedBy(name) ?? '';
    if (!of.endsWith(SUFFIX) || !isInstanceId(of.slice(0, -SUFFIX.length))) continue;
    await rm(join(pool.paths.records, name), { force: true });
  }
}

function recordPath(pool: Pool, id: string): string {
  pool.pathOf(id); // refuses what is no id
  return join(pool.paths.records, `${id}${SUFFIX}`);
}
