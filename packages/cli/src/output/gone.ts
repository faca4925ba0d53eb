import type { Tombstone } from '@spica/catalog';
import { formatBytes } from '@spica/core';
import type { TrashEntry } from '@spica/pool';
import type { Output } from '../io.ts';
import { toIso } from './age.ts';
import { writeFields } from './write.ts';

/** An instance that is not there any more, and what is left of it. */
export type Gone =
  | { readonly state: 'in-trash'; readonly entry: TrashEntry; readonly until: number }
  | { readonly state: 'vanished'; readonly tombstone: Tombstone };

/** As `--json` prints it. */
export function toGoneJson(id: string, pool: string, gone: Gone) {
  const base = { id, pool, state: gone.state };
  if (gone.state === 'vanished') {
    const { lastSeenAt, record } = gone.tombstone;
    return { ...base, lastSeenAt: toIso(lastSeenAt), template: record.template, request: record.request };
  }
  const { trashedAt, note } = gone.entry;
  const { reason = null, bytes = null, request = null } = note ?? {};
  return { ...base, trashedAt: toIso(trashedAt), until: toIso(gone.until), reason, bytes, request };
}

/** What is left of an instance, for people: in the trash it can be brought back. */
export function writeGone(stdout: Output, id: string, pool: string, gone: Gone): void {
  if (gone.state === 'vanished') {
    const { lastSeenAt, record } = gone.tombstone;
    writeFields(stdout, [
      ['instance', id],
      ['pool', pool],
      ['state', 'vanished from the disk, and Spica did not delete it'],
      ['last seen', toIso(lastSeenAt) ?? 'nobody knows when'],
      ['template', `${record.template} ${record.templateVersion}`],
      ['request', record.request],
      ['experiment', record.experiment],
    ]);
    return;
  }
  const { trashedAt, note } = gone.entry;
  writeFields(stdout, [
    ['instance', id],
    ['pool', pool],
    ['state', `in the trash since ${toIso(trashedAt)}`],
    ['deleted for', note?.reason ?? null],
    ['request', note?.request ?? null],
    ['size', note === null || note.bytes === null ? null : formatBytes(note.bytes)],
    ['restore', `\`spica restore ${id}\` brings it back, until ${toIso(gone.until)} or the space is needed`],
  ]);
}
