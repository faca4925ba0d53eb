import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { instanceRecordSchema, isInstanceId } from '@spica/core';
import * as z from 'zod';
import type { Pool } from '../layout.ts';

/** Why and when an instance went into the trash, kept beside it. */
const noteSchema = z.strictObject({
  schema: z.literal('spica.trash/v1'),
  reason: z.string(),
  request: z.string().nullable(),
  /** Bytes that come back when it is deleted; null when not known. */
  bytes: z.number().nullable(),
  /** What the catalog knew of it, for `spica restore`. */
  record: instanceRecordSchema.nullable(),
});
export type TrashNote = Omit<z.infer<typeof noteSchema>, 'schema'>;

/** An instance out of sight, waiting to be deleted for real. */
export interface TrashEntry {
  /** Name under `.spica/trash/`. */
  readonly name: string;
  readonly id: string;
  /** Epoch milliseconds. */
  readonly trashedAt: number;
  readonly path: string;
  /** Null when it cannot be read. */
  readonly note: TrashNote | null;
}

const NAME = /^(spica-[0-9a-f]+)\.(\d{1,15})\.[0-9a-f]{8}$/;

export function notePathOf(path: string): string {
  return `${path}.json`;
}

export function serializeNote(note: TrashNote): string {
  return `${JSON.stringify({ schema: 'spica.trash/v1', ...note }, null, 2)}\n`;
}

/** What lies in the trash, oldest first. Names that are not of Spica's making are left alone. */
export async function listTrash(pool: Pool): Promise<TrashEntry[]> {
  const entries: TrashEntry[] = [];
  for (const name of await readdir(pool.paths.trash)) {
    const [, id, at] = NAME.exec(name) ?? [];
    if (!id || !at || !isInstanceId(id)) continue;
    const path = join(pool.paths.trash, name);
    entries.push({ name, id, trashedAt: Number(at), path, note: await readNote(path) });
  }
  return entries.sort((a, b) => a.trashedAt - b.trashedAt || (a.name < b.name ? -1 : 1));
}

async function readNote(path: string): Promise<TrashNote | null> {
  let text: string;
  try {
    text = await readFile(notePathOf(path), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const { schema: _, ...note } = noteSchema.parse(JSON.parse(text));
    return note;
  } catch {
    return null; // torn by a crash: what lies there can still be deleted, or restored from its manifest
  }
}
