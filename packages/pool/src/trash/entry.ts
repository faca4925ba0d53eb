import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { failureSchema, instanceRecordSchema, isInstanceId } from '@spica/core';
import * as z from 'zod';
import { jsonFile } from '../json-file.ts';
import type { Pool } from '../layout.ts';
import { isThere } from '../missing.ts';
import { draftedBy } from '../write-whole.ts';

/** Why and when an instance went into the trash, kept beside it. */
const noteSchema = z.strictObject({
  schema: z.literal('spica.trash/v1'),
  reason: z.string(),
  request: z.string().nullable(),
  /** Bytes that come back when it is deleted; null when not known. */
  bytes: z.number().nullable(),
  /** What the catalog knew of it, for `spica restore`. */
  record: instanceRecordSchema.nullable(),
  /** Why it could not be deleted for good; null where that was not tried, or nothing is in the way. */
  failure: failureSchema.nullable().default(null),
});
export type TrashNote = Omit<z.infer<typeof noteSchema>, 'schema'>;
const noteFile = jsonFile({ schema: noteSchema, code: 'TRASH_NOTE_INVALID', is: 'a note of the trash' });

/** An instance out of sight, waiting to be deleted for real. */
export interface TrashEntry {
  /** What it was called when it was put there; no other entry has or had that name. */
  readonly name: string;
  readonly id: string;
  /** Epoch milliseconds. */
  readonly trashedAt: number;
  readonly path: string;
  /** Its deletion has begun: it may not be whole any more, and cannot be restored. */
  readonly isDeletionBegun: boolean;
  /** Null when it cannot be read. */
  readonly note: TrashNote | null;
}

const NAME = /^(spica-[0-9a-f]+)\.(\d{1,15})\.[0-9a-f]{8}$/;
const DOOMED = '.deleting';
const NOTE = '.json';

/** Where an entry lies from when its deletion begins. */
export function deletingPathOf(path: string): string {
  return path.endsWith(DOOMED) ? path : path + DOOMED;
}

/** Where the note of an entry lies. */
export function notePathOf(path: string): string {
  return baseOf(path, DOOMED) + NOTE;
}

function baseOf(path: string, suffix: string): string {
  return path.endsWith(suffix) ? path.slice(0, -suffix.length) : path;
}

/** Writes the note of the entry at a path. */
export async function writeNote(path: string, note: TrashNote): Promise<void> {
  await noteFile.save(notePathOf(path), { schema: 'spica.trash/v1', ...note });
}

/** Null where it was torn by a crash: what lies there can still be deleted, or restored from its manifest. */
async function readNote(path: string): Promise<TrashNote | null> {
  const content = await noteFile.loadIfValid(notePathOf(path));
  if (content === null) return null;
  const { schema: _, ...note } = content;
  return note;
}

/** What lies in the trash, oldest first. Names that are not of Spica's making are left alone. */
export async function listTrash(pool: Pool): Promise<TrashEntry[]> {
  const entries: TrashEntry[] = [];
  for (const called of await readdir(pool.paths.trash)) {
    const name = baseOf(called, DOOMED);
    const [, id, at] = NAME.exec(name) ?? [];
    if (!id || !at || !isInstanceId(id)) continue;
    const path = join(pool.paths.trash, called);
    const isDeletionBegun = name !== called;
    entries.push({ name, id, trashedAt: Number(at), path, isDeletionBegun, note: await readNote(path) });
  }
  return entries.sort((a, b) => a.trashedAt - b.trashedAt || (a.name < b.name ? -1 : 1));
}

/**
 * Removes notes of what is not in the trash, and drafts of notes: a crash leaves them. `onGone` is called with each whose
 * instance is nowhere any more: its deletion had come to its end, but perhaps was not logged. Call it while nobody
 * deletes.
 */
export async function sweepTrash(
  pool: Pool,
  onGone: (gone: Pick<TrashEntry, 'id' | 'note'>) => Promise<void> = async () => undefined,
): Promise<void> {
  const names = new Set(await readdir(pool.paths.trash));
  for (const name of names) {
    const drafted = draftedBy(name);
    const isDraft = drafted !== null && isNote(drafted);
    const of = baseOf(name, NOTE);
    const isOrphan = isNote(name) && !names.has(of) && !names.has(of + DOOMED);
    const id = NAME.exec(of)?.[1];
    if (isOrphan && id && isInstanceId(id) && !(await isThere(pool.pathOf(id)))) {
      await onGone({ id, note: await readNote(join(pool.paths.trash, of)) });
    }
    if (isDraft || isOrphan) await rm(join(pool.paths.trash, name), { force: true });
  }
}

function isNote(name: string): boolean {
  return name.endsWith(NOTE) && NAME.test(baseOf(name, NOTE));
}
