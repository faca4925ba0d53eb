import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pool } from '@spica/pool';
import * as z from 'zod';
import type { ServedContext } from '../context.ts';

/**
 * By so much the count of changes is raised whenever they were brought to the disk. Other processes add one for each
 * change: what they do after Redis has stepped back cannot catch up with that, and hide it.
 */
export const CHANGES_APART = 1_000_000;

const schema = z.object({ changes: z.int().min(0) });

function pathOf({ paths }: Pool): string {
  return join(paths.own, 'mirrored.json');
}

/**
 * How many changes of leases, pins and the like the records on disk have seen; 0 where nobody knows. A Redis that knows of
 * fewer has stepped back (a power loss, a failover).
 */
export async function readMirrored(pool: Pool): Promise<number> {
  try {
    return schema.parse(JSON.parse(await readFile(pathOf(pool), 'utf8'))).changes;
  } catch {
    return 0; // not there yet, or torn by a power cut: then nothing is known of a step back
  }
}

/** The records on disk are as Redis was after so many changes. */
export async function writeMirrored(pool: Pool, changes: number): Promise<void> {
  await writeFile(pathOf(pool), `${JSON.stringify({ changes })}\n`);
}

/**
 * Whether Redis knows of fewer changes than this process has seen: what is on the disk may be newer than what it says.
 * False where it has lost everything: what it says then was said since.
 */
export async function hasSteppedBack({
  catalog,
  gate,
}: Pick<ServedContext, 'catalog' | 'gate'>): Promise<boolean> {
  return (await catalog.changes()) < gate.changesSeen && (await catalog.reconciled()) !== null;
}
