import type { TrashEntry } from '@spica/pool';

/** Bytes that come back with what lies in the trash, as far as it had been measured. */
export function bytesOf(entries: readonly TrashEntry[]): number {
  return entries.reduce((sum, { note }) => sum + (note?.bytes ?? 0), 0);
}
