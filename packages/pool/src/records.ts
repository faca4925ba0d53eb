import { readdir, readFile, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckError, type InstanceRecord, instanceRecordSchema, isInstanceId } from '@spica/core';
import type { Pool } from './layout.ts';
import { draftedBy, writeFileWhole } from './write-whole.ts';

const SUFFIX = '.json';

/** Keeps what the catalog knows of an instance on the disk, to rebuild the catalog from. */
export async function writeRecord(pool: Pool, record: InstanceRecord): Promise<void> {
  await writeFileWhole(recordPath(pool, record.id), `${JSON.stringify(record, null, 2)}\n`);
}

export async function deleteRecord(pool: Pool, id: string): Promise<void> {
  await unlink(recordPath(pool, id)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

/** An instance's record; null where there is none. Throws CheckError RECORD_INVALID. */
export async function readRecord(pool: Pool, id: string): Promise<InstanceRecord | null> {
  const path = recordPath(pool, id);
  try {
    return instanceRecordSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new CheckError('RECORD_INVALID', `record ${path}: cannot be read: ${cause}`, { path }, cause);
  }
}

export interface Records {
  readonly records: readonly InstanceRecord[];
  readonly broken: readonly { readonly id: string; readonly name: string; readonly reason: string }[];
}

/** All records of a pool. One that cannot be read is told of, and left alone. */
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
