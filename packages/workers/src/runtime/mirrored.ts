import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pool } from '@spica/pool';
import * as z from 'zod';

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
