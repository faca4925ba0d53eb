import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isInstanceId } from '@spica/core';
import type { Pool } from './layout.ts';
import { draftedBy } from './write-whole.ts';

const RECORD = /^(.*)\.json$/;

/** Removes the drafts of records that a killed process left. To be called while nobody writes records. */
export async function sweepRecordDrafts(pool: Pool): Promise<void> {
  for (const name of await readdir(pool.paths.records)) {
    const [, id = ''] = RECORD.exec(draftedBy(name) ?? '') ?? [];
    if (isInstanceId(id)) await rm(join(pool.paths.records, name), { force: true });
  }
}
